import { attribute, sourceProperties } from "./attributes.ts";
import { Body } from "./body.ts";
import { toText } from "./bytes.ts";
import type { LocalReply } from "./context.ts";
import { FilterState } from "./filter-state.ts";
import { Flow } from "./flow.ts";
import { HeaderMap } from "./header-map.ts";
import { HttpContext } from "./http-context.ts";
import { formatLocalReply } from "./local-reply.ts";
import type { HttpStreamOptions, LocalResponse } from "./outcomes.ts";
import { mergeProperties, type Property, type PropertyMap } from "./properties.ts";
import type { RootContext } from "./root-context.ts";
import { absentFilter, envoyReply, passFilter } from "./stand-in.ts";
import type { StreamHost, StreamPolicy } from "./stream-host.ts";

/** Envoy's default `per_connection_buffer_limit_bytes`. */
const DEFAULT_BUFFER_LIMIT = 1024 * 1024;

const UNAVAILABLE = 14;

/** What stands around the filter of one HTTP stream: the flows of the two directions, and what the filter asks of them. */
export class HttpExchange {
  /** Undefined for a filter that is not there. */
  readonly context: HttpContext | undefined;
  readonly request: Flow;
  readonly response: Flow;
  readonly filterState = new FilterState();
  /** How often the filter asked Envoy to choose the route again. */
  routeCacheCleared = 0;
  /** Why the stream was reset, if it was. */
  resetReason: string | undefined;
  localResponse: LocalResponse | undefined;

  readonly #properties: PropertyMap;
  readonly #startTime: bigint;
  readonly #connectionId: bigint;
  #prepared: LocalReply | undefined;
  #depth = 0;
  #ended = false;

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
    this.context = root && new HttpContext(root, this.#host(), policy);
    const absent = root === undefined ? absentFilter(policy.failOpen, () => this.#fail()) : undefined;
    this.request = new Flow(this.context?.requestFilter ?? absent ?? passFilter, limit, () =>
      this.#sendLocalReply(envoyReply(413, "request_payload_too_large", "Payload Too Large")),
    );
    this.response = new Flow(this.context?.responseFilter ?? passFilter, limit, () =>
      this.#sendLocalReply(envoyReply(500, "response_payload_too_large", "Internal Server Error")),
    );
  }

  /** Runs what may call the filter; a local response that comes of it is sent when the filter has returned. */
  enter<T>(run: () => T): T {
    this.#depth++;
    try {
      return run();
    } finally {
      this.#depth--;
      if (this.#depth === 0 && this.#prepared !== undefined) {
        const reply = this.#prepared;
        this.#prepared = undefined;
        this.enter(() => this.#deliver(reply));
      }
    }
  }

  /** Nothing more comes, complete or not. */
  end(): void {
    this.#ended = true;
    this.request.abort();
    this.response.abort();
    this.context?.destroy();
  }

  #sendLocalReply(reply: LocalReply): void {
    if (this.#ended || this.resetReason !== undefined) return;
    if (this.response.passed.headers !== undefined) {
      this.#reset("a local response after the response's headers had been sent");
      return;
    }
    this.request.abort();
    this.#prepared = reply;
    this.enter(() => undefined);
  }

  #deliver(reply: LocalReply): void {
    const { headers, body } = formatLocalReply(reply, this.request.headers);
    this.localResponse = { ...reply, body: toText(reply.body), bodyBytes: reply.body };
    if (this.response.begun) {
      // The filter has seen a response already, so Envoy sends this one past it.
      this.response.replace({ headers, body, trailers: undefined, metadata: [], ended: true });
      return;
    }
    this.response.receiveHeaders(headers, body.length === 0);
    if (body.length > 0 && !this.response.aborted) this.response.receiveData(new Body(body), true);
  }

  #fail(): void {
    this.#sendLocalReply({ ...envoyReply(503, "wasm_fail_stream", ""), grpcStatus: UNAVAILABLE });
  }

  #reset(reason: string): void {
    this.resetReason ??= reason;
    this.request.abort();
    this.response.abort();
  }

  #host(): StreamHost {
    const flow = (direction: "request" | "response"): Flow => (direction === "request" ? this.request : this.response);
    return {
      continueRequest: () => this.enter(() => this.request.continue()),
      continueResponse: () => this.enter(() => this.response.continue()),
      responseBegun: () => this.response.begun,
      reset: (reason) => this.#reset(reason),
      sendLocalReply: (reply) => this.#sendLocalReply(reply),
      fail: () => this.#fail(),
      clearRouteCache: () => {
        this.routeCacheCleared++;
      },
      setEnvoyFilterState: (path, value) => this.filterState.setEnvoy(path, value),
      setFilterState: (name, value, readOnly) => this.filterState.set(name, value, readOnly),
      filterState: (name) => this.filterState.get(name),
      attribute: (name, context) => this.#attribute(name, context),
      hold: (direction, chunk) => flow(direction).buffer(chunk, false),
      held: (direction) => flow(direction).buffered,
      addTrailers: (direction) => flow(direction).addTrailers(new HeaderMap("trailers")),
    };
  }

  #attribute(name: string, context: HttpContext): Property | undefined {
    const code = Number(this.response.headers?.get(":status") ?? Number.NaN);
    const facts = {
      requestHeaders: context.requestHeaders,
      responseHeaders: context.responseHeaders,
      responseTrailers: context.responseTrailers,
      responseCode: Number.isSafeInteger(code) ? code : undefined,
      responseCodeDetails: this.localResponse?.details ?? (this.response.begun ? "via_upstream" : undefined),
      requestBytes: this.request.passed.body.length + (this.request.buffered?.length ?? 0),
      responseBytes: this.response.passed.body.length,
      startTime: this.#startTime,
      connectionId: this.#connectionId,
    };
    return name === "connection_id" ? this.#connectionId : attribute(name, facts, this.#properties);
  }
}
