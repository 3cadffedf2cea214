import { attribute, sourceProperties } from "./attributes.ts";
import { Body } from "./body.ts";
import { toBytes, toText, type Bytes } from "./bytes.ts";
import type { LocalReply } from "./context.ts";
import { FilterState } from "./filter-state.ts";
import { Flow, type Passed } from "./flow.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";
import { HttpContext } from "./http-context.ts";
import { formatLocalReply } from "./local-reply.ts";
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
import { mergeProperties, type Property, type PropertyMap } from "./properties.ts";
import type { RootContext } from "./root-context.ts";
import { absentFilter, envoyReply, passFilter } from "./stand-in.ts";
import type { StreamHost, StreamPolicy } from "./stream-host.ts";

/** Envoy's default `per_connection_buffer_limit_bytes`. */
const DEFAULT_BUFFER_LIMIT = 1024 * 1024;

const UNAVAILABLE = 14;

/**
 * One HTTP request and its response on their way through a filter. The test plays the client and the upstream; what the
 * filter lets pass is in `request` and `response`.
 */
export class HttpStream {
  /** How often the filter asked Envoy to choose the route again. */
  routeCacheCleared = 0;
  /** Why the stream was reset, if it was. */
  resetReason: string | undefined;

  readonly #context: HttpContext | undefined;
  readonly #request: Flow;
  readonly #response: Flow;
  readonly #properties: PropertyMap;
  readonly #filterState = new FilterState();
  readonly #startTime: bigint;
  readonly #connectionId: bigint;
  #localResponse: LocalResponse | undefined;
  #prepared: LocalReply | undefined;
  #depth = 0;
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
    const limit = options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
    this.#startTime = startTime;
    this.#connectionId = connectionId;
    this.#properties = mergeProperties(sourceProperties(options.source), options.properties ?? {});
    this.#context = root && new HttpContext(root, this.#host(), policy);
    const absent = root === undefined ? absentFilter(policy.failOpen, () => this.#fail()) : undefined;
    this.#request = new Flow(this.#context?.requestFilter ?? absent ?? passFilter, limit, () =>
      this.#sendLocalReply(envoyReply(413, "request_payload_too_large", "Payload Too Large")),
    );
    this.#response = new Flow(this.#context?.responseFilter ?? passFilter, limit, () =>
      this.#sendLocalReply(envoyReply(500, "response_payload_too_large", "Internal Server Error")),
    );
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
    return this.#localResponse;
  }

  /** A property that the filter set with `proxy_set_property`, read as UTF-8. */
  filterState(name: string): string | undefined {
    return this.#filterState.text(name);
  }

  /** An object that the filter set with the foreign function `set_envoy_filter_state`, read as UTF-8. */
  envoyFilterState(path: string): string | undefined {
    return this.#filterState.envoyText(path);
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
    this.#enter(() => this.#request.receiveMetadata(new HeaderMap("trailers", init)));
  }

  /** The upstream sends a METADATA frame of HTTP/2. */
  responseMetadata(init: HeadersInit): void {
    this.#expectOpen(this.#response, "response");
    this.#enter(() => this.#response.receiveMetadata(new HeaderMap("trailers", init)));
  }

  /** The upstream sends the response's headers. */
  responseHeaders(init: HeadersInit, { endOfStream = false } = {}): HeadersOutcome {
    this.#expect(
      this.#localResponse === undefined,
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
    this.#context?.log({
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
    this.#request.abort();
    this.#response.abort();
    this.#context?.destroy();
  }

  /** Sends what follows the headers of a message, for as long as it is wanted. */
  #rest(flow: Flow, body: readonly Bytes[], trailers: HeadersInit | undefined): Settled {
    for (const [i, part] of body.entries()) {
      if (!flow.aborted) this.#data(flow, part, i === body.length - 1 && trailers === undefined);
    }
    if (trailers !== undefined && !flow.aborted) this.#trailers(flow, trailers);
    return { paused: flow.paused, localResponse: this.#localResponse };
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
    const action = over ? undefined : this.#enter(run);
    return { action: action ?? "NotCalled", paused: flow.paused, localResponse: this.#localResponse };
  }

  #expectOpen(flow: Flow, name: string): void {
    this.#expect(flow.begun, `the ${name}'s headers were not sent yet`);
    this.#expect(!flow.ended || flow.aborted, `the ${name} has ended already`);
  }

  #expect(condition: boolean, problem: string): void {
    if (!condition) throw new Error(problem);
  }

  /** Runs what may call the filter; a local response that comes of it is sent when the filter has returned. */
  #enter<T>(run: () => T): T {
    this.#depth++;
    try {
      return run();
    } finally {
      this.#depth--;
      if (this.#depth === 0 && this.#prepared !== undefined) {
        const reply = this.#prepared;
        this.#prepared = undefined;
        this.#enter(() => this.#deliver(reply));
      }
    }
  }

  #sendLocalReply(reply: LocalReply): void {
    if (this.#closed || this.resetReason !== undefined) return;
    if (this.#response.passed.headers !== undefined) {
      this.#reset("a local response after the response's headers had been sent");
      return;
    }
    this.#request.abort();
    this.#prepared = reply;
    this.#enter(() => undefined);
  }

  #deliver(reply: LocalReply): void {
    const { headers, body } = formatLocalReply(reply, this.#request.headers);
    this.#localResponse = { ...reply, body: toText(reply.body), bodyBytes: reply.body };
    if (this.#response.begun) {
      // The filter has seen a response already, so Envoy sends this one past it.
      this.#response.replace({ headers, body, trailers: undefined, metadata: [], ended: true });
      return;
    }
    this.#response.receiveHeaders(headers, body.length === 0);
    if (body.length > 0 && !this.#response.aborted) this.#response.receiveData(new Body(body), true);
  }

  #fail(): void {
    this.#sendLocalReply({ ...envoyReply(503, "wasm_fail_stream", ""), grpcStatus: UNAVAILABLE });
  }

  #reset(reason: string): void {
    this.resetReason ??= reason;
    this.#request.abort();
    this.#response.abort();
  }

  #host(): StreamHost {
    const flow = (direction: "request" | "response"): Flow =>
      direction === "request" ? this.#request : this.#response;
    return {
      continueRequest: () => this.#enter(() => this.#request.continue()),
      continueResponse: () => this.#enter(() => this.#response.continue()),
      responseBegun: () => this.#response.begun,
      reset: (reason) => this.#reset(reason),
      sendLocalReply: (reply) => this.#sendLocalReply(reply),
      fail: () => this.#fail(),
      clearRouteCache: () => {
        this.routeCacheCleared++;
      },
      setEnvoyFilterState: (path, value) => this.#filterState.setEnvoy(path, value),
      setFilterState: (name, value, readOnly) => this.#filterState.set(name, value, readOnly),
      filterState: (name) => this.#filterState.get(name),
      attribute: (name, context) => this.#attribute(name, context),
      hold: (direction, chunk) => flow(direction).buffer(chunk, false),
      held: (direction) => flow(direction).buffered,
      addTrailers: (direction) => flow(direction).addTrailers(new HeaderMap("trailers")),
    };
  }

  #attribute(name: string, context: HttpContext): Property | undefined {
    const code = Number(this.#response.headers?.get(":status") ?? Number.NaN);
    const facts = {
      requestHeaders: context.requestHeaders,
      responseHeaders: context.responseHeaders,
      responseTrailers: context.responseTrailers,
      responseCode: Number.isSafeInteger(code) ? code : undefined,
      responseCodeDetails: this.#localResponse?.details ?? (this.#response.begun ? "via_upstream" : undefined),
      requestBytes: this.#request.passed.body.length + (this.#request.buffered?.length ?? 0),
      responseBytes: this.#response.passed.body.length,
      startTime: this.#startTime,
      connectionId: this.#connectionId,
    };
    return name === "connection_id" ? this.#connectionId : attribute(name, facts, this.#properties);
  }
}
