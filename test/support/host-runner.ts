import assert from "node:assert/strict";
import { ProxyWasmHost, double, type HeaderMap, type HttpStream, type Plugin } from "@meshwright/host";
import {
  arrived,
  isEmpty,
  latin1,
  requestLine,
  type Arrived,
  type Exchange,
  type HeaderLines,
  type LogLevelName,
  type Outcome,
  type Runner,
} from "./exchange.ts";
import { metadata, vmConfiguration, type PluginSetting } from "./sdk/plugins.ts";

/** Plugins in the Node host. */
export class HostRunner implements Runner {
  readonly host: ProxyWasmHost;
  readonly #plugins = new Map<string, Plugin>();

  private constructor(host: ProxyWasmHost) {
    this.host = host;
  }

  static async start(module: Uint8Array, plugins: readonly PluginSetting[]): Promise<HostRunner> {
    const runner = new HostRunner(
      await ProxyWasmHost.load(module, {
        vmConfiguration,
        properties: {
          "xds.route_metadata": {
            filter_metadata: { sdk: { ...metadata, ratio: double(metadata.ratio) } },
          },
        },
      }),
    );
    for (const { name, rootId, configuration, allowOnHeadersStopIteration = false } of plugins) {
      const plugin = runner.host.startPlugin({
        name,
        rootId,
        configuration: JSON.stringify(configuration),
        allowOnHeadersStopIteration,
      });
      assert.ok(plugin.ok, plugin.reason);
      runner.#plugins.set(name, plugin);
    }
    return runner;
  }

  run(exchange: Exchange): Promise<Outcome> {
    const { scenario, plugin: name = "scenarios" } = exchange;
    const plugin = this.#plugins.get(name);
    assert.ok(plugin, `no plugin ${name}`);
    const from = this.host.log.lines.length;
    const stream = plugin.newHttpStream();
    this.#request(stream, exchange);
    const upstream = stream.request.ended
      ? arrivedOf(`${text(stream, ":method")} ${text(stream, ":path")}`, stream.request, this.#route(stream))
      : undefined;
    if (upstream !== undefined) this.#respond(stream, exchange);
    const { response, resetReason } = stream;
    const client =
      resetReason === undefined ? arrivedOf(response.headers?.get(":status") ?? "", response, []) : undefined;
    stream.close();
    const log = this.host.log.lines
      .slice(from)
      .filter(({ message }) => message.startsWith(`${scenario}: `))
      .map(({ level, message }) => `${level === "info" ? "" : `[${level}] `}${message.slice(scenario.length + 2)}`);
    return Promise.resolve({ log, upstream, client });
  }

  logLevel(level: LogLevelName): Promise<void> {
    this.host.log.level = level;
    return Promise.resolve();
  }

  metric(name: string): Promise<number> {
    return Promise.resolve(Number(this.host.metrics.get(name)));
  }

  stop(): Promise<void> {
    this.host.close();
    return Promise.resolve();
  }

  #request(stream: HttpStream, exchange: Exchange): void {
    const { request = {}, scenario } = exchange;
    const [method, path] = requestLine(exchange);
    const { headers = [], body = [], trailers = [] } = request;
    const pseudo = { ":authority": "test.example", ":path": path, ":method": method, ":scheme": "http" };
    stream.requestHeaders(
      [...Object.entries(pseudo), ...bytesOf(headers), ["x-scenario", scenario], ["x-forwarded-proto", "http"]],
      { endOfStream: isEmpty(request) },
    );
    body.forEach((chunk, i) => {
      stream.requestBody(latin1(chunk), { endOfStream: trailers.length === 0 && i === body.length - 1 });
    });
    if (trailers.length > 0) stream.requestTrailers(bytesOf(trailers));
    this.#settle(() => stream.request.ended || stream.localResponse !== undefined || stream.resetReason !== undefined);
  }

  #respond(stream: HttpStream, { response = {} }: Exchange): void {
    const { status = 200, headers = [], body = [], trailers = [] } = response;
    const isOver = (): boolean => stream.localResponse !== undefined || stream.response.ended;
    const endOfStream = isEmpty(response);
    // What Node's server adds.
    const own: HeaderLines = [...(endOfStream ? [["content-length", "0"] as const] : []), ["connection", "keep-alive"]];
    stream.responseHeaders([[":status", String(status)], ...bytesOf([...headers, ...own])], { endOfStream });
    body.forEach((chunk, i) => {
      if (isOver()) return;
      stream.responseBody(latin1(chunk), { endOfStream: trailers.length === 0 && i === body.length - 1 });
    });
    if (trailers.length > 0 && !isOver()) stream.responseTrailers(bytesOf(trailers));
    this.#settle(isOver);
  }

  /** Lets the timers of filters run until something holds. */
  #settle(condition: () => boolean): void {
    for (let i = 0; i < 100 && !condition(); ++i) this.host.clock.advance(1);
  }

  /** What the test's routes add. Envoy chooses again when a filter asks for it, and after any write to request headers. */
  #route(stream: HttpStream): HeaderLines {
    if (stream.request.headers?.get("x-route") === "c") return [["x-routed", "c"]];
    return stream.routeCacheCleared > 0 && stream.filterState("sdk.route") === "b" ? [["x-routed", "b"]] : [];
  }
}

interface Passed {
  readonly headers: HeaderMap | undefined;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | undefined;
}

function arrivedOf(start: string, { headers, body, trailers }: Passed, added: HeaderLines): Arrived {
  return arrived(start, [...textOf(headers), ...added], Buffer.from(body).toString("latin1"), textOf(trailers));
}

const text = (stream: HttpStream, name: string): string => stream.request.headers?.get(name) ?? "";

function bytesOf(headers: HeaderLines): [string, Uint8Array][] {
  return headers.map(([name, value]) => [name, latin1(value)]);
}

function textOf(headers: HeaderMap | undefined): [string, string][] {
  const pairs = headers?.pairs() ?? [];
  return pairs.map(([name, value]) => [Buffer.from(name).toString("latin1"), Buffer.from(value).toString("latin1")]);
}
