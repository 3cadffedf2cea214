// Visits all request headers; a value "stop" is answered with 403.
import {
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  registerRootContext,
  requestHeaders,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

class ScanRoot extends RootContext {
  constructor() {
    super();
    this.sharedHttpContext = new Scan();
  }
}

class Scan extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const count = requestHeaders.count;
    for (let i = 0; i < count; ++i) {
      if (!requestHeaders.valueAt(i).is("stop")) continue;
      sendLocalResponse(403);
      return FilterHeadersStatus.StopIteration;
    }
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("scan", () => new ScanRoot());
