// Counts requests in shared data by compare-and-set; the second request is answered with 429.
import {
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  SharedCounter,
  registerRootContext,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

const requests = new SharedCounter("requests");

class SharedDataRoot extends RootContext {
  constructor() {
    super();
    this.sharedHttpContext = new Counting();
  }
}

class Counting extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    requests.add();
    if (requests.value != 2) return FilterHeadersStatus.Continue;
    sendLocalResponse(429);
    return FilterHeadersStatus.StopIteration;
  }
}

registerRootContext("shared-data", () => new SharedDataRoot());
