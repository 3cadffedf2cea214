import {
  FilterHeadersStatus,
  HttpContext,
  registerHttpContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

class Hello extends HttpContext {
  private user: string = "stranger";

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const user = requestHeaders.get("x-user");
    if (user !== null) this.user = user;
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    responseHeaders.set("x-hello", this.user);
    return FilterHeadersStatus.Continue;
  }
}

registerHttpContext("hello", () => new Hello());
