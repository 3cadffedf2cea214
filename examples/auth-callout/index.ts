import {
  Bytes,
  CalloutFailure,
  Config,
  Duration,
  FilterHeadersStatus,
  HeaderName,
  HttpCall,
  HttpCallReply,
  HttpCallResponse,
  HttpContext,
  RootContext,
  Status,
  continueRequest,
  registerRootContext,
  requestHeaders,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

const AUTHORIZATION = new HeaderName("authorization");
const USER = new HeaderName("x-user");

class AuthCallout extends RootContext {
  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    const cluster = config.root.string("cluster");
    const timeout = config.root.integerOr("timeoutMilliseconds", 1, 60_000, 200);
    if (!config.accept()) return false;
    const check = new HttpCall(cluster).path("/check").timeout(Duration.milliseconds(timeout));
    this.sharedHttpContext = new AuthCalloutStream(check);
    return true;
  }
}

class AuthCalloutStream extends HttpContext {
  constructor(private check: HttpCall) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    // Who the caller is, only the service says.
    requestHeaders.removeName(USER);
    const credentials = requestHeaders.find(AUTHORIZATION);
    if (credentials === null) {
      sendLocalResponse(401, "credentials needed\n", null, "auth_callout.no_credentials");
      return FilterHeadersStatus.StopIteration;
    }
    const status = this.check.headerOnce(AUTHORIZATION, credentials).send(new Verdict());
    if (status != Status.Ok) failClosed();
    return FilterHeadersStatus.StopAllIterationAndWatermark;
  }
}

/** What the service says of a caller. The request waits; anything but a clear yes ends it. */
class Verdict extends HttpCallReply {
  onResponse(response: HttpCallResponse): void {
    const user = response.headers.find(USER);
    if (response.status == 200 && user !== null) {
      requestHeaders.setBytes(USER, user);
      continueRequest();
    } else if (response.status == 401 || response.status == 403) {
      sendLocalResponse(response.status, "refused\n", null, "auth_callout.refused");
    } else {
      failClosed();
    }
  }

  onFailure(failure: CalloutFailure): void {
    failClosed();
  }
}

function failClosed(): void {
  sendLocalResponse(503, "cannot authenticate now\n", null, "auth_callout.unavailable");
}

registerRootContext("auth-callout", () => new AuthCallout());
