// A host that keeps to Envoy's rules, and peers that keep to none.
import fc from "fast-check";
import {
  ENVOY_FOREIGN_FUNCTIONS,
  ProxyWasmHost,
  SharedData,
  type Bytes,
  type ForeignFunction,
  type HttpStream,
  type Plugin,
  type Property,
  type PropertyMap,
  type Status,
  type TcpStream,
} from "@meshwright/host";
import { hostileRequests } from "../../filters/testing/hostile.ts";
import { vmConfiguration } from "../support/sdk/plugins.ts";
import type { Subject } from "./subject.ts";
import type { Values } from "./values.ts";

/** Knows the keys that were written, as bytes. */
class WatchedData extends SharedData {
  readonly written: Bytes[] = [];

  override set(vmId: string, key: Bytes, value: Bytes, cas = 0): Status {
    if (this.written.length < 1000) this.written.push(key);
    return super.set(vmId, key, value, cas);
  }
}

/** One host with the plugins of a module, and what peers do to it. */
export class Story {
  readonly #values: Values;
  readonly #subject: Subject;
  readonly #host: ProxyWasmHost;
  readonly #data: WatchedData;
  readonly #plugins: Plugin[] = [];
  readonly #open: HttpStream[] = [];
  readonly #requests: ReturnType<typeof sampleRequests>;

  static async start(subject: Subject, values: Values): Promise<Story> {
    const data = new WatchedData();
    const host = await ProxyWasmHost.load(subject.module, {
      sharedData: data,
      random: values.numbers(2 ** 31),
      logLevel: values.pick(["trace", "critical"] as const, "trace"),
      vmConfiguration: values.chance(4) ? values.bytes() : vmConfiguration,
      foreign: values.chance(3) ? hostileForeign(values) : {},
      canary: false,
      maxMemoryPages: 512,
      ...(values.chance(8) && { clusters: [] }),
    });
    return new Story(subject, values, host, data);
  }

  private constructor(subject: Subject, values: Values, host: ProxyWasmHost, data: WatchedData) {
    this.#subject = subject;
    this.#values = values;
    this.#host = host;
    this.#data = data;
    this.#requests = sampleRequests(values.numbers(2 ** 31));
    for (const rootId of subject.rootIds) {
      for (const configuration of subject.configurations) {
        this.#configure(rootId, typeof configuration === "string" ? configuration : JSON.stringify(configuration));
      }
    }
  }

  /** Whether a plugin of the module has taken a configuration. */
  get isUp(): boolean {
    return this.#plugins.length > 0;
  }

  /** One case. Throws if the module trapped, or did what ends Envoy. */
  run(): void {
    const values = this.#values;
    switch (values.numbers(16)) {
      case 0:
        this.#configure(values.pick(this.#subject.rootIds, ""), this.#configuration());
        break;
      case 1:
        this.#data.set("", values.pick(this.#data.written, "x"), values.chance(4) ? "" : values.bytes());
        this.#stream();
        break;
      case 2:
        this.#host.sharedQueues.enqueue(1 + values.numbers(4), values.bytes())?.();
        break;
      case 3:
        this.#host.clock.advance(values.pick([0, 1, 10, 1000, 60_000], 1));
        break;
      case 4:
        this.#connection();
        break;
      case 5:
        this.#plugin()?.logStream({
          request: values.headers(),
          response: values.headers(),
          responseTrailers: values.headers(),
          properties: this.#properties(),
        });
        break;
      case 6:
        this.#plugin()?.callForeign(values.numbers(5), values.bytes());
        break;
      default:
        this.#stream();
    }
    this.#answerCalls();
    this.#check();
  }

  close(): void {
    this.#host.close();
    this.#check();
  }

  #configure(rootId: string, configuration: Bytes): void {
    const plugin = this.#host.startPlugin({
      rootId,
      name: rootId,
      configuration,
      allowOnHeadersStopIteration: this.#values.chance(2),
    });
    if (plugin.failure?.stage === "start" || plugin.failure?.stage === "trap") throw new Error(plugin.failure.message);
    if (!plugin.ok) return;
    // A good one in another's place, so that a session has a few that live side by side.
    if (this.#plugins.length > 5) this.#plugins.splice(this.#values.numbers(this.#plugins.length), 1)[0]?.close();
    this.#plugins.push(plugin);
  }

  #configuration(): Bytes {
    const values = this.#values;
    const known = values.pick(this.#subject.configurations, undefined);
    if (values.chance(6)) return values.bytes();
    return values.chance(4) ? values.changed(Buffer.from(JSON.stringify(known))) : values.json(known);
  }

  #plugin(): Plugin | undefined {
    return this.#plugins[this.#values.numbers(this.#plugins.length || 1)];
  }

  #stream(): void {
    const values = this.#values;
    const stream = this.#plugin()?.newHttpStream({
      properties: this.#properties(),
      ...(values.chance(10) && { bufferLimit: values.numbers(100) }),
    });
    if (stream === undefined) return;
    this.#request(stream);
    this.#answerCalls();
    this.#response(stream);
    if (values.chance(6)) this.#open.push(stream);
    else stream.close();
    // Others end later, after what they wait for, or before it.
    if (this.#open.length > 4) this.#open.splice(values.numbers(4), 1)[0]?.close();
  }

  #request(stream: HttpStream): void {
    const values = this.#values;
    const { path = "/", method = "GET", headers = [] } = values.pick(this.#requests, {});
    if (values.chance(40)) return;
    const known = [[":method", method], [":path", values.chance(3) ? values.word() : path], ...headers] as const;
    const own = values.chance(10) ? [] : known;
    const scenario = values.chance(2) ? ([["x-scenario", values.word()]] as const) : [];
    const endOfStream = values.chance(2);
    stream.requestHeaders([...own, ...scenario, ...values.headers()], { endOfStream });
    if (endOfStream) return;
    for (let n = values.numbers(4); n > 0; --n) stream.requestBody(values.bytes());
    if (values.chance(12)) stream.requestMetadata(values.headers());
    if (values.chance(2)) stream.requestTrailers(values.headers());
    else if (!values.chance(8)) stream.requestBody(values.bytes(), { endOfStream: true });
  }

  #response(stream: HttpStream): void {
    const values = this.#values;
    const isOver = stream.localResponse !== undefined || stream.resetReason !== undefined;
    if (isOver || stream.request.headers === undefined || stream.response.headers) return;
    const status = values.chance(8)
      ? []
      : ([[":status", values.pick(["200", "304", "404", "503", "x"], "200")]] as const);
    const endOfStream = values.chance(2);
    stream.responseHeaders([...status, ...values.headers()], { endOfStream });
    if (endOfStream) return;
    for (let n = values.numbers(4); n > 0; --n) stream.responseBody(values.bytes());
    if (values.chance(12)) stream.responseMetadata(values.headers());
    if (values.chance(2)) stream.responseTrailers(values.headers());
    else if (!values.chance(8)) stream.responseBody(values.bytes(), { endOfStream: true });
  }

  #connection(): void {
    const values = this.#values;
    const connection = this.#plugin()?.newTcpStream({ properties: this.#properties() });
    if (connection === undefined) return;
    const ends = { down: false, up: false };
    for (let n = values.numbers(6); n > 0; --n) this.#piece(connection, ends);
    connection.close(values.chance(2) ? "local" : "remote");
  }

  #piece(connection: TcpStream, ends: { down: boolean; up: boolean }): void {
    const values = this.#values;
    const endOfStream = values.chance(4);
    if (values.chance(2) && connection.connected && !ends.up) {
      ends.up = endOfStream;
      connection.upstreamData(values.bytes(), { endOfStream });
    } else if (!ends.down) {
      ends.down = endOfStream;
      connection.downstreamData(values.bytes(), { endOfStream });
    }
  }

  /** Some of the callouts that wait are answered, the others later or never. */
  #answerCalls(): void {
    const values = this.#values;
    for (const plugin of this.#plugins) {
      for (const call of plugin.httpCalls) {
        if (!call.pending || values.chance(4)) continue;
        if (values.chance(6)) call.fail();
        else call.respond({ headers: values.headers(), body: values.bytes(), trailers: values.headers() });
      }
      for (const call of plugin.grpcCalls) {
        if (values.chance(4)) continue;
        for (let n = values.numbers(3); n > 0 && call.pending; --n) call.send(values.bytes());
        if (!call.pending || values.chance(3)) continue;
        if (values.chance(4)) call.answerWithoutGrpc();
        else call.end({ status: values.numbers(20), message: values.word(), trailers: values.headers() });
      }
    }
  }

  #properties(): PropertyMap {
    const values = this.#values;
    if (values.chance(3)) return {};
    const paths = ["source.address", "request.path", "request.headers", "connection.mtls", "response.code"];
    return Object.fromEntries(
      Array.from({ length: values.numbers(5) }, (): [string, Property] => [
        values.chance(2) ? values.pick(paths, "") : values.word(),
        values.chance(5) ? { [values.word()]: values.bytes() } : values.bytes(),
      ]),
    );
  }

  #check(): void {
    const trap = this.#plugins.find((plugin) => plugin.trap !== undefined)?.trap;
    if (trap !== undefined) throw new Error(trap);
    const crash = this.#host.log.lines.find(({ level, source }) => level === "critical" && source === "host");
    if (crash !== undefined) throw new Error(crash.message);
  }
}

const sampleRequests = (seed: number) => fc.sample(hostileRequests, { numRuns: 32, seed });

/** Envoy's functions, with any status and result. */
function hostileForeign(values: Values): Record<string, ForeignFunction> {
  const answer: ForeignFunction = () => ({
    status: values.numbers(12) as Status,
    ...(values.chance(2) && { result: values.bytes() }),
  });
  return Object.fromEntries(Object.keys(ENVOY_FOREIGN_FUNCTIONS).map((name) => [name, answer]));
}
