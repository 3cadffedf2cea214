// Increments a counter and records in a histogram for each request.
import {
  Bytes,
  Counter,
  FilterHeadersStatus,
  Histogram,
  HttpContext,
  RootContext,
  registerRootContext,
} from "proxy-wasm-assemblyscript-sdk";

const SIZE: u64 = 17;

class MetricsRoot extends RootContext {
  onConfigure(configuration: Bytes): bool {
    this.sharedHttpContext = new Metrics(new Counter("bench_requests"), new Histogram("bench_sizes"));
    return true;
  }
}

class Metrics extends HttpContext {
  constructor(
    private requests: Counter,
    private sizes: Histogram,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    this.requests.increment();
    this.sizes.record(SIZE);
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("metrics", () => new MetricsRoot());
