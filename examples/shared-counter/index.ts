import {
  Bytes,
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  SharedCounter,
  SharedUpdateResult,
  logWarn,
  registerRootContext,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

class Counting extends RootContext {
  onConfigure(configuration: Bytes): bool {
    this.sharedHttpContext = new CountingStream(new SharedCounter("answers"));
    return true;
  }
}

class CountingStream extends HttpContext {
  constructor(private answers: SharedCounter) {
    super();
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    // Workers that count at the same moment are told apart by compare-and-set; `add` tries again for us.
    if (this.answers.add() == SharedUpdateResult.Written) {
      responseHeaders.set("x-count", this.answers.value.toString());
    } else {
      logWarn("an answer was not counted");
    }
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("shared-counter", () => new Counting());
