// Probes in the Node host: as one plugin, or as plugins one after another.
import assert from "node:assert/strict";
import { ProxyWasmHost, type HeaderMap, type HttpStream, type Plugin } from "@meshwright/host";
import { isEmpty, type Exchange, type HeaderLines, type Message } from "../exchange.ts";
import { byPart } from "./script.ts";

export interface PluginSetting {
  readonly rootId: string;
  readonly configuration: object;
}

/** A message as it came through. */
export interface Through {
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly ended: boolean;
}

export interface Outcome {
  /** What each part logs. */
  readonly parts: Record<string, string[]>;
  readonly upstream: Through | undefined;
  /** "reset" when the stream was reset. */
  readonly client: Through | "reset" | undefined;
}

/** What went from one stream to its neighbour. */
interface Forwarded {
  headers: boolean;
  body: number;
  ended: boolean;
}

type Passed = HttpStream["request"];

export class HostChain {
  readonly #host: ProxyWasmHost;
  readonly #plugins: readonly Plugin[];

  private constructor(host: ProxyWasmHost, plugins: readonly Plugin[]) {
    this.#host = host;
    this.#plugins = plugins;
  }

  static async start(module: Uint8Array, settings: readonly PluginSetting[], alone: boolean): Promise<HostChain> {
    const host = await ProxyWasmHost.load(module);
    const plugins = settings.map(({ rootId, configuration }) => {
      const plugin = host.startPlugin({
        name: rootId,
        rootId,
        configuration: JSON.stringify(configuration),
        allowOnHeadersStopIteration: alone,
      });
      assert.ok(plugin.ok, plugin.reason);
      return plugin;
    });
    return new HostChain(host, plugins);
  }

  get plugins(): readonly Plugin[] {
    return this.#plugins;
  }

  stop(): void {
    this.#host.close();
  }

  run({ request = {}, response = {} }: Exchange): Outcome {
    const from = this.#host.log.lines.length;
    const run = new Run(this.#plugins.map((plugin) => plugin.newHttpStream()));
    const settle = (isOver: () => boolean): void => {
      for (let i = 0; i < 100; ++i) {
        run.pump();
        if (isOver()) return;
        for (const plugin of this.#plugins) for (const call of plugin.httpCalls) if (call.pending) call.respond({});
        run.pump();
        this.#host.clock.advance(1);
      }
    };
    const pseudo: HeaderLines = [
      [":method", "POST"],
      [":path", "/"],
      [":authority", "test.example"],
      ["x-forwarded-proto", "http"],
    ];
    run.request([...pseudo, ...(request.headers ?? [])], request);
    settle(() => run.requestIsOver);
    if (run.upstream?.ended === true && !run.isAnswered) {
      run.response([[":status", "200"], ...(response.headers ?? [])], response);
      settle(() => run.responseIsOver);
    }
    // Timers of answered streams run too.
    this.#host.clock.advance(5);
    run.pump();
    run.close();
    const lines = this.#host.log.lines.slice(from);
    const trap = lines.find(({ source }) => source === "host");
    assert.equal(trap, undefined, trap?.message);
    return { parts: byPart(lines.map(({ message }) => message)), upstream: run.upstream, client: run.client };
  }
}

/** One exchange through streams of which each feeds the next. */
class Run {
  readonly #streams: readonly HttpStream[];
  readonly #request: Forwarded[];
  readonly #response: Forwarded[];
  /** The stream that answered, and whether its answer goes past the others. */
  #answered: { readonly by: number; readonly direct: boolean } | undefined;

  constructor(streams: readonly HttpStream[]) {
    this.#streams = streams;
    const nothing = (): Forwarded => ({ headers: false, body: 0, ended: false });
    this.#request = streams.map(nothing);
    this.#response = streams.map(nothing);
  }

  get upstream(): Through | undefined {
    return throughOf(this.#streams.at(-1)?.request);
  }

  get client(): Through | "reset" | undefined {
    if (this.#streams.some(({ resetReason }) => resetReason !== undefined)) return "reset";
    const from = this.#answered?.direct === true ? this.#answered.by : 0;
    return throughOf(this.#streams[from]?.response);
  }

  get isAnswered(): boolean {
    return this.#answered !== undefined;
  }

  get #isOver(): boolean {
    const client = this.client;
    return client === "reset" || client?.ended === true;
  }

  get requestIsOver(): boolean {
    return this.#isOver || this.upstream?.ended === true;
  }

  get responseIsOver(): boolean {
    return this.#isOver;
  }

  request(headers: HeaderLines, message: Message): void {
    const stream = this.#streams[0];
    assert.ok(stream);
    stream.requestHeaders([...headers], { endOfStream: isEmpty(message) });
    this.pump();
    const { body = [], trailers = [] } = message;
    body.forEach((chunk, i) => {
      if (this.isAnswered) return;
      stream.requestBody(chunk, { endOfStream: trailers.length === 0 && i === body.length - 1 });
      this.pump();
    });
    if (trailers.length > 0 && !this.isAnswered) stream.requestTrailers([...trailers]);
    this.pump();
  }

  response(headers: HeaderLines, message: Message): void {
    const stream = this.#streams.at(-1);
    assert.ok(stream);
    const isOver = (): boolean => this.isAnswered || this.#isOver;
    stream.responseHeaders([...headers], { endOfStream: isEmpty(message) });
    this.pump();
    const { body = [], trailers = [] } = message;
    body.forEach((chunk, i) => {
      if (isOver()) return;
      stream.responseBody(chunk, { endOfStream: trailers.length === 0 && i === body.length - 1 });
      this.pump();
    });
    if (trailers.length > 0 && !isOver()) stream.responseTrailers([...trailers]);
    this.pump();
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  /** Hands on what streams let go, until nothing moves. */
  pump(): void {
    for (let moved = true; moved;) {
      moved = false;
      this.#look();
      for (let i = 0; i + 1 < this.#streams.length && !this.isAnswered; ++i) {
        if (this.#forward(this.#request[i], this.#streams[i]?.request, this.#streams[i + 1], "request")) moved = true;
        this.#look();
      }
      const from = this.#answered?.by ?? this.#streams.length - 1;
      if (this.#answered?.direct === true) return;
      for (let i = from; i > 0; --i) {
        if (this.#forward(this.#response[i], this.#streams[i]?.response, this.#streams[i - 1], "response"))
          moved = true;
        this.#look();
      }
    }
  }

  #look(): void {
    if (this.#answered !== undefined) return;
    const by = this.#streams.findIndex(({ localResponse }) => localResponse !== undefined);
    if (by < 0) return;
    const fed = by === this.#streams.length - 1 ? this.upstream?.ended : this.#response[by + 1]?.headers;
    this.#answered = { by, direct: fed === true };
  }

  #forward(
    done: Forwarded | undefined,
    passed: Passed | undefined,
    to: HttpStream | undefined,
    direction: "request" | "response",
  ): boolean {
    if (done === undefined || passed?.headers === undefined || to === undefined) return false;
    const { headers, body, trailers, ended } = passed;
    const isRequest = direction === "request";
    let moved = false;
    if (!done.headers) {
      done.headers = moved = true;
      done.ended = ended && body.length === 0 && trailers === undefined;
      const pairs = headers.pairs().map(([name, value]) => [Buffer.from(name).toString(), value] as const);
      const end = { endOfStream: done.ended };
      if (isRequest) to.requestHeaders([...pairs], end);
      else to.responseHeaders([...pairs], end);
    }
    if (this.#isDead(to)) return moved;
    if (!done.ended && (body.length > done.body || (ended && trailers === undefined))) {
      const chunk = body.slice(done.body);
      done.body = body.length;
      done.ended = ended && trailers === undefined;
      moved = true;
      if (isRequest) to.requestBody(chunk, { endOfStream: done.ended });
      else to.responseBody(chunk, { endOfStream: done.ended });
    }
    if (this.#isDead(to)) return moved;
    if (!done.ended && trailers !== undefined) {
      done.ended = moved = true;
      const pairs = trailers.pairs().map(([name, value]) => [Buffer.from(name).toString(), value] as const);
      if (isRequest) to.requestTrailers([...pairs]);
      else to.responseTrailers([...pairs]);
    }
    return moved;
  }

  #isDead(stream: HttpStream): boolean {
    this.#look();
    return stream.localResponse !== undefined || stream.resetReason !== undefined;
  }
}

function throughOf(passed: Passed | undefined): Through | undefined {
  if (passed?.headers === undefined) return undefined;
  const lines = (map: HeaderMap | undefined): string[] =>
    (map?.pairs() ?? [])
      .map(([name, value]) => `${Buffer.from(name).toString()}: ${Buffer.from(value).toString()}`)
      .filter((line) => !/^x-[abc]: /.test(line))
      .sort();
  return {
    headers: lines(passed.headers),
    body: Buffer.from(passed.body).toString(),
    trailers: lines(passed.trailers),
    ended: passed.ended,
  };
}
