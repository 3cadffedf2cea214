// The header filter of the benchmark: reads four request headers, sets one request and one response header.
import {
  Bytes,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  RootContext,
  registerRootContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const PATH = new HeaderName(":path");
const AUTHORITY = new HeaderName(":authority");
const USER_AGENT = new HeaderName("user-agent");
const USER = new HeaderName("x-user-id");
const SEEN = new HeaderName("x-seen");
const yes: StaticArray<u8> = [0x79, 0x65, 0x73];

class HeadersRoot extends RootContext {
  constructor() {
    super();
    this.sharedHttpContext = new Headers();
  }
}

class Headers extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const found =
      i32(requestHeaders.find(PATH) !== null) +
      i32(requestHeaders.find(AUTHORITY) !== null) +
      i32(requestHeaders.find(USER_AGENT) !== null) +
      i32(requestHeaders.find(USER) !== null);
    if (found) requestHeaders.setBytes(SEEN, Bytes.at(changetype<usize>(yes), yes.length));
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    responseHeaders.setBytes(SEEN, Bytes.at(changetype<usize>(yes), yes.length));
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("headers", () => new HeadersRoot());
