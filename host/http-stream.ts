import { Body } from "./body.ts";
import { toBytes, type Bytes } from "./bytes.ts";
import type { Flow, Passed } from "./flow.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";
import { HttpExchange } from "./http-exchange.ts";
import type {
  BodyOutcome,
  HeadersOutcome,
  HttpStreamOptions,
  LocalResponse,
  Outcome,
  Settled,
  TrailersOutcome,
} from "./outcomes.ts";
import { requestMessage, responseMessage, type RequestInit, type ResponseInit } from "./message.ts";
import type { RootContext } from "./root-context.ts";
import type { StreamPolicy } from "./stream-host.ts";

/**
 * One HTTP request and its response on their way through a filter. The test plays the client and the upstream; what the
 * filter lets pass is in `request` and `response`.
 */
export class HttpStream {
  readonly #exchange: HttpExchange;
  readonly #request: Flow;
  readonly #response: Flow;
  #logged = false;
  #closed = false;

  /**
   * A `root` of undefined is a filter that is not there, or whose machine is dead: the stream passes, or is answered by
   * Envoy, as the policy says.
   */
  constructor(
    root: RootContext | undefined,
    policy: StreamPolicy,
    startTime: bigint,
    connectionId: bigint,
    options: HttpStreamOptions,
  ) {
    this.#exchange = new HttpExchange(root, policy, startTime, connectionId, options);
    this.#request = this.#exchange.request;
    this.#response = this.#exchange.response;
  }

  /** What the upstream sees of the request so far. */
  get request(): Passed {
    return this.#request.passed;
  }

  /** What the client sees of the response so far. */
  get response(): Passed {
    return this.#response.passed;
  }

  get localResponse(): LocalResponse | undefined {
    return this.#exchange.localResponse;
  }

  /** How often the filter asked Envoy to choose the route again. */
  get routeCacheCleared(): number {
    return this.#exchange.routeCacheCleared;
  }

  /** Why the stream was reset, if it was. */
  get resetReason(): string | undefined {
    return this.#exchange.resetReason;
  }

  /** A property that the filter set with `proxy_set_property`, read as UTF-8. */
  filterState(name: string): string | undefined {
    return this.#exchange.filterState.text(name);
  }

  /** An object that the filter set with the foreign function `set_envoy_filter_state`, read as UTF-8. */
  envoyFilterState(path: string): string | undefined {
    return this.#exchange.filterState.envoyText(path);
  }

  /** Whether the filter holds back something of the request or of the response. */
  get paused(): boolean {
    return this.#request.paused || this.#response.paused;
  }

  /** The client sends a whole request, or as much of it as a local response lets it. */
  send(init: RequestInit): Settled {
    const { headers, body, trailers } = requestMessage(init);
    this.requestHeaders(headers, { endOfStream: body.length === 0 && trailers === undefined });
    return this.#rest(this.#request, body, trailers);
  }

  /** The client sends a GET without a body. */
  get(path: string, headers: HeadersInit = []): Settled {
    return this.send({ path, headers });
  }

  /** The upstream sends a whole response, or as much of it as the filter lets it. */
  respond(init: ResponseInit = {}): Settled {
    const { headers, body, trailers } = responseMessage(init);
    this.responseHeaders(headers, { endOfStream: body.length === 0 && trailers === undefined });
    return this.#rest(this.#response, body, trailers);
  }

  /** The client sends the request's headers. */
  requestHeaders(init: HeadersInit, { endOfStream = false } = {}): HeadersOutcome {
    this.#expect(!this.#request.begun, "the request's headers were sent already");
    const headers = new HeaderMap("request", init);
    return { ...this.#outcome(this.#request, () => this.#request.receiveHeaders(headers, endOfStream)), headers };
  }

  /** The client sends a part of the request's body. */
  requestBody(data: Bytes, { endOfStream = false } = {}): BodyOutcome {
    this.#expectOpen(this.#request, "request");
    return this.#data(this.#request, data, endOfStream);
  }

  /** The client ends the request with trailers. */
  requestTrailers(init: HeadersInit): TrailersOutcome {
    this.#expectOpen(this.#request, "request");
    return this.#trailers(this.#request, init);
  }

  /** The client sends a METADATA frame of HTTP/2. */
  requestMetadata(init: HeadersInit): void {
    this.#expectOpen(this.#request, "request");
    this.#exchange.enter(() => this.#request.receiveMetadata(new HeaderMap("trailers", init)));
  }

  /** The upstream sends a METADATA frame of HTTP/2. */
  responseMetadata(init: HeadersInit): void {
    this.#expectOpen(this.#response, "response");
    this.#exchange.enter(() => this.#response.receiveMetadata(new HeaderMap("trailers", init)));
  }

  /** The upstream sends the response's headers. */
  responseHeaders(init: HeadersInit, { endOfStream = false } = {}): HeadersOutcome {
    this.#expect(
      this.localResponse === undefined,
      "the request was answered by a local response; the upstream has nothing to add",
    );
    this.#expect(!this.#response.begun, "the response's headers were sent already");
    this.#expect(
      this.#request.passed.headers !== undefined,
      "the filter has not let the request pass, so no upstream can answer it",
    );
    const headers = new HeaderMap("response", init);
    return { ...this.#outcome(this.#response, () => this.#response.receiveHeaders(headers, endOfStream)), headers };
  }

  /** The upstream sends a part of the response's body. */
  responseBody(data: Bytes, { endOfStream = false } = {}): BodyOutcome {
    this.#expectOpen(this.#response, "response");
    return this.#data(this.#response, data, endOfStream);
  }

  /** The upstream ends the response with trailers. */
  responseTrailers(init: HeadersInit): TrailersOutcome {
    this.#expectOpen(this.#response, "response");
    return this.#trailers(this.#response, init);
  }

  /** Envoy writes the access log. It does so once, before the stream ends; `close` does it if it was not done. */
  log(): void {
    this.#expect(!this.#closed, "the stream was closed already");
    if (this.#logged) return;
    this.#logged = true;
    this.#exchange.context?.log({
      request: this.#request.headers,
      response: this.#response.passed.headers ?? this.#response.headers,
      responseTrailers: this.#response.passed.trailers ?? this.#response.trailers,
    });
  }

  /** The stream ends, complete or not. */
  close(): void {
    if (this.#closed) return;
    this.log();
    this.#closed = true;
    this.#exchange.end();
  }

  /** Sends what follows the headers of a message, for as long as it is wanted. */
  #rest(flow: Flow, body: readonly Bytes[], trailers: HeadersInit | undefined): Settled {
    for (const [i, part] of body.entries()) {
      if (!flow.aborted) this.#data(flow, part, i === body.length - 1 && trailers === undefined);
    }
    if (trailers !== undefined && !flow.aborted) this.#trailers(flow, trailers);
    return { paused: flow.paused, localResponse: this.localResponse };
  }

  #data(flow: Flow, data: Bytes, endOfStream: boolean): BodyOutcome {
    const before = flow.passed.body.length;
    const outcome = this.#outcome(flow, () => flow.receiveData(new Body(toBytes(data)), endOfStream));
    return { ...outcome, body: flow.passed.body.slice(before) };
  }

  #trailers(flow: Flow, init: HeadersInit): TrailersOutcome {
    const trailers = new HeaderMap("trailers", init);
    return { ...this.#outcome(flow, () => flow.receiveTrailers(trailers)), trailers };
  }

  #outcome<A extends string>(flow: Flow, run: () => A | undefined): Outcome<A> {
    const over = this.#closed || flow.aborted;
    const action = over ? undefined : this.#exchange.enter(run);
    return { action: action ?? "NotCalled", paused: flow.paused, localResponse: this.localResponse };
  }

  #expectOpen(flow: Flow, name: string): void {
    this.#expect(flow.begun, `the ${name}'s headers were not sent yet`);
    this.#expect(!flow.ended || flow.aborted, `the ${name} has ended already`);
  }

  #expect(condition: boolean, problem: string): void {
    if (!condition) throw new Error(problem);
  }
}
