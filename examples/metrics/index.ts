import {
  Bytes,
  CounterFamily,
  FilterHeadersStatus,
  Gauge,
  HeaderName,
  Histogram,
  HttpContext,
  RootContext,
  currentTimeNanoseconds,
  registerRootContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const METHOD = new HeaderName(":method");
const STATUS = new HeaderName(":status");

/** To be made in `onConfigure`: at module top level the host may not be called. */
class Metrics {
  /** Clients can make up methods, so the number of combinations has a bound; what is beyond counts as `other`. */
  readonly requests: CounterFamily = new CounterFamily("requests", ["method", "status"], 50);
  readonly active: Gauge = new Gauge("requests_active");
  readonly duration: Histogram = new Histogram("request_milliseconds");
}

class Measured extends RootContext {
  private metrics: Metrics | null = null;

  onConfigure(configuration: Bytes): bool {
    this.metrics = new Metrics();
    return true;
  }

  createHttpContext(): HttpContext | null {
    const metrics = this.metrics;
    return metrics === null ? null : new MeasuredStream(metrics);
  }
}

class MeasuredStream extends HttpContext {
  private start: u64 = 0;

  constructor(private metrics: Metrics) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    this.start = currentTimeNanoseconds();
    this.metrics.active.add(1);
    return FilterHeadersStatus.Continue;
  }

  onLog(): void {
    if (!this.start) return;
    this.metrics.active.add(-1);
    this.metrics.duration.record((currentTimeNanoseconds() - this.start) / 1_000_000);
    const method = requestHeaders.find(METHOD);
    const status = responseHeaders.find(STATUS);
    if (method === null) return;
    // A client that goes away gets no status.
    if (status === null) this.metrics.requests.tag(method).tagText("none").increment();
    else this.metrics.requests.tag(method).tag(status).increment();
  }
}

registerRootContext("metrics", () => new Measured());
