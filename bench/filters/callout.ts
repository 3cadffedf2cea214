// Holds the request until a callout answers; any answer but 200 is passed on as 403.
import {
  CalloutFailure,
  Duration,
  FilterHeadersStatus,
  HttpCall,
  HttpCallReply,
  HttpCallResponse,
  HttpContext,
  RootContext,
  Status,
  continueRequest,
  registerRootContext,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

class Verdict extends HttpCallReply {
  onResponse(response: HttpCallResponse): void {
    if (response.status == 200) continueRequest();
    else sendLocalResponse(403);
  }

  onFailure(failure: CalloutFailure): void {
    sendLocalResponse(403);
  }
}

const check = new HttpCall("callout").path("/check").timeout(Duration.seconds(5));
const verdict = new Verdict();

class CalloutRoot extends RootContext {
  constructor() {
    super();
    this.sharedHttpContext = new Callout();
  }
}

class Callout extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    return check.send(verdict) == Status.Ok ? FilterHeadersStatus.StopIteration : FilterHeadersStatus.Continue;
  }
}

registerRootContext("callout", () => new CalloutRoot());
