import {
  CounterFamily,
  FilterHeadersStatus,
  Gauge,
  HeaderName,
  Histogram,
  HttpContext,
  currentTimeNanoseconds,
  registerHttpContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const METHOD = new HeaderName(":method");
const STATUS = new HeaderName(":status");

/** Clients can make up methods, so the number of combinations has a bound; what is beyond counts as `other`. */
const requests = new CounterFamily("requests", ["method", "status"], 50);
const active = new Gauge("requests_active");
const duration = new Histogram("request_milliseconds");

class Measured extends HttpContext {
  private start: u64 = 0;

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    this.start = currentTimeNanoseconds();
    active.add(1);
    return FilterHeadersStatus.Continue;
  }

  onLog(): void {
    if (!this.start) return;
    active.add(-1);
    duration.record((currentTimeNanoseconds() - this.start) / 1_000_000);
    const method = requestHeaders.find(METHOD);
    const status = responseHeaders.find(STATUS);
    if (method === null) return;
    // A client that goes away gets no status.
    if (status === null) requests.tag(method).tagText("none").increment();
    else requests.tag(method).tag(status).increment();
  }
}

registerHttpContext("metrics", () => new Measured());
