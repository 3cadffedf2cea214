// Buffers the response body, changes its first "#" to "*" and puts it back whole.
import {
  FilterDataStatus,
  HttpContext,
  RootContext,
  registerRootContext,
  responseBody,
} from "proxy-wasm-assemblyscript-sdk";

class BodyRoot extends RootContext {
  constructor() {
    super();
    this.sharedHttpContext = new Body();
  }
}

class Body extends HttpContext {
  onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
    if (!endOfStream) return FilterDataStatus.StopIterationAndBuffer;
    const body = responseBody.read();
    if (body === null) return FilterDataStatus.Continue;
    const at = body.indexOf(0x23);
    if (at >= 0) {
      body[at] = 0x2a;
      responseBody.replace(body);
    }
    return FilterDataStatus.Continue;
  }
}

registerRootContext("body", () => new BodyRoot());
