import {
  Bytes,
  Config,
  ConfigObject,
  FilterHeadersStatus,
  HeaderMap,
  HeaderName,
  HttpContext,
  RootContext,
  registerRootContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

/** What is done to the headers of one direction. Names and values are made once, so that a request allocates nothing. */
class Edits {
  private removed: HeaderName[] = [];
  private names: HeaderName[] = [];
  private values: Uint8Array[] = [];

  constructor(config: ConfigObject) {
    const removed = config.strings("remove");
    for (let i = 0; i < removed.length; ++i) this.removed.push(new HeaderName(removed[i]));
    const set = config.objectOrNull("set");
    if (set !== null) {
      const names = set.names();
      for (let i = 0; i < names.length; ++i) {
        this.names.push(new HeaderName(names[i]));
        this.values.push(Bytes.utf8(set.string(names[i])).copy());
      }
    }
  }

  apply(headers: HeaderMap): void {
    for (let i = 0; i < this.removed.length; ++i) headers.removeName(this.removed[i]);
    for (let i = 0; i < this.names.length; ++i) headers.setBytes(this.names[i], Bytes.of(this.values[i]));
  }
}

class HeaderEdit extends RootContext {
  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    const request = new Edits(config.root.object("request"));
    const response = new Edits(config.root.object("response"));
    if (!config.accept()) return false;
    this.sharedHttpContext = new HeaderEditStream(request, response);
    return true;
  }
}

class HeaderEditStream extends HttpContext {
  constructor(
    private request: Edits,
    private response: Edits,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    this.request.apply(requestHeaders);
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    this.response.apply(responseHeaders);
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("header-edit", () => new HeaderEdit());
