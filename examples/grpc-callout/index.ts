import {
  Bytes,
  Config,
  Duration,
  FilterHeadersStatus,
  GrpcMethod,
  GrpcReply,
  GrpcService,
  GrpcStatus,
  HeaderName,
  HttpContext,
  ProtobufReader,
  ProtobufWriter,
  RootContext,
  Status,
  continueRequest,
  registerRootContext,
  requestHeaders,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

const USER = new HeaderName("x-user");
const LEFT = new HeaderName("x-quota-left");

class GrpcCallout extends RootContext {
  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    const cluster = config.root.string("cluster");
    const timeout = config.root.integerOr("timeoutMilliseconds", 1, 60_000, 200);
    if (!config.accept()) return false;
    const take = new GrpcMethod(GrpcService.cluster(cluster), "example.quota.v1.Quota", "Take");
    this.sharedHttpContext = new GrpcCalloutStream(take.timeout(Duration.milliseconds(timeout)));
    return true;
  }
}

class GrpcCalloutStream extends HttpContext {
  constructor(private take: GrpcMethod) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const user = requestHeaders.find(USER);
    const request = ProtobufWriter.create().bytes(1, user === null ? Bytes.utf8("anonymous") : user);
    if (this.take.call(new QuotaReply(), request.message) != Status.Ok) failClosed();
    return FilterHeadersStatus.StopAllIterationAndWatermark;
  }
}

/** Reads `message TakeReply { bool allowed = 1; uint32 left = 2; }`. */
class QuotaReply extends GrpcReply {
  onMessage(message: Bytes): void {
    let allowed = false;
    let left: u64 = 0;
    const reader = ProtobufReader.of(message);
    while (reader.next()) {
      if (reader.field == 1) allowed = reader.number != 0;
      else if (reader.field == 2) left = reader.number;
    }
    if (reader.malformed) failClosed();
    else if (!allowed) sendLocalResponse(429, "quota used up\n", null, "quota.used_up");
    else {
      requestHeaders.setBytes(LEFT, Bytes.utf8(left.toString()));
      continueRequest();
    }
  }

  onFailure(status: GrpcStatus, message: string): void {
    failClosed();
  }
}

function failClosed(): void {
  sendLocalResponse(503, "no quota service\n", null, "quota.unavailable");
}

registerRootContext("grpc-callout", () => new GrpcCallout());
