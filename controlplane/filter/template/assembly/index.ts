import {
  Bytes,
  Config,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  RootContext,
  registerRootContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const USER = new HeaderName("x-user");

/** The filter under one configuration. */
class __CLASS__ extends RootContext {
  greeting: string = "";

  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    this.greeting = config.root.string("greeting");
    return config.accept();
  }

  createHttpContext(): HttpContext | null {
    return new __CLASS__Stream(this);
  }
}

/** One HTTP request with its response. */
class __CLASS__Stream extends HttpContext {
  private user: string = "stranger";

  constructor(private filter: __CLASS__) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const user = requestHeaders.find(USER);
    if (user !== null) this.user = user.toString();
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    responseHeaders.set("x-greeting", `${this.filter.greeting}, ${this.user}`);
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("__NAME__", () => new __CLASS__());
