import { readFile } from "node:fs/promises";
import { MetricType } from "./abi/enums.ts";
import { toBytes, type Bytes } from "./bytes.ts";
import { Clock } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import type { GrpcCall } from "./grpc-call.ts";
import { ProxyWasmHost, type HostOptions, type PluginOptions } from "./host.ts";
import type { HttpCall } from "./http-call.ts";
import type { HttpStream } from "./http-stream.ts";
import { LEVELS, type LogLine } from "./log.ts";
import type { LogLevelName } from "./abi/enums.ts";
import type { HttpStreamOptions } from "./outcomes.ts";
import type { Plugin } from "./plugin.ts";
import type { TcpStream, TcpStreamOptions } from "./tcp-stream.ts";

export interface TestFilterOptions extends Omit<HostOptions, "clock" | "random">, Omit<PluginOptions, "configuration"> {
  /** An object is given to the filter as JSON. */
  readonly configuration?: Bytes | Readonly<Record<string, unknown>>;
  /** The time at which the test begins. Default: 2026-01-01T00:00:00Z. */
  readonly now?: Date | string;
  /** The seed of all random bytes. Default: 1. */
  readonly seed?: number;
}

/**
 * Loads a filter for a test and configures it. A trap is thrown, as a WasmTrap, by what led to it; `traps: "answer"`
 * leaves it to the failure policy.
 * @param module a file, or the module's bytes. A source map beside the file, `x.wasm.map`, is used for stacks.
 * @throws an Error with the filter's log if it refuses its configuration; a ModuleError if Envoy would not load it.
 */
export async function testFilter(
  module: string | URL | Uint8Array,
  { configuration = "", now, seed = 1, ...options }: TestFilterOptions = {},
): Promise<TestFilter> {
  const start = now === undefined ? undefined : new Date(now);
  if (start !== undefined && Number.isNaN(start.getTime())) {
    throw new RangeError(`now: expected a date and time, found "${String(now)}"`);
  }
  const sourceMap = options.sourceMap ?? (await sourceMapBeside(module));
  const host = await ProxyWasmHost.load(module instanceof Uint8Array ? module : await readFile(module), {
    traps: "throw",
    ...options,
    ...(sourceMap !== undefined && { sourceMap }),
    clock: new Clock(start),
    random: seed,
  });
  const isText = typeof configuration === "string" || configuration instanceof Uint8Array;
  const plugin = host.startPlugin({
    ...options,
    configuration: isText ? toBytes(configuration) : JSON.stringify(configuration),
  });
  if (!plugin.ok) {
    host.close();
    throw new Error(`the filter does not start: ${plugin.reason}`);
  }
  return new TestFilter(host, plugin);
}

async function sourceMapBeside(module: string | URL | Uint8Array): Promise<string | undefined> {
  if (module instanceof Uint8Array) return undefined;
  const file = module instanceof URL ? new URL(`${module.href}.map`) : `${module}.map`;
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}

/** A filter under test: one plugin in a host of its own. Both are there for what this does not have. */
export class TestFilter {
  readonly host: ProxyWasmHost;
  readonly plugin: Plugin;

  constructor(host: ProxyWasmHost, plugin: Plugin) {
    this.host = host;
    this.plugin = plugin;
  }

  /** A client begins a request. */
  stream(options?: HttpStreamOptions): HttpStream {
    return this.plugin.newHttpStream(options);
  }

  /** A client connects to a TCP filter. */
  connection(options?: TcpStreamOptions): TcpStream {
    return this.plugin.newTcpStream(options);
  }

  /** The filter's oldest HTTP call to a cluster that waits for an answer. Throws if there is none. */
  callout(cluster: string): HttpCall {
    const waiting = this.plugin.httpCalls;
    return found(
      waiting.find((call) => call.cluster === cluster),
      `HTTP call to "${cluster}"`,
      waiting.map((call) => call.cluster),
    );
  }

  /** The filter's oldest gRPC call or stream to a cluster or of a service that waits for its server. Throws if there is none. */
  grpcCall(name: string): GrpcCall {
    const waiting = this.plugin.grpcCalls;
    return found(
      waiting.find((call) => call.cluster === name || call.service === name),
      `gRPC call to "${name}"`,
      waiting.map((call) => `${call.path} of ${call.cluster}`),
    );
  }

  /** Lets time pass: milliseconds, or a text such as "1.5s", "250ms", "2m", "1h". Timers fire in order. */
  advance(time: number | string): void {
    this.host.clock.advance(typeof time === "number" ? time : parseDuration(time));
  }

  /** The value of a counter. Throws if the filter has defined none of this name. */
  counter(name: string): number {
    return Number(this.#metric(MetricType.Counter, "counter", name).value);
  }

  /** The value of a gauge. Throws if the filter has defined none of this name. */
  gauge(name: string): number {
    return Number(this.#metric(MetricType.Gauge, "gauge", name).value);
  }

  /** What was recorded in a histogram. Throws if the filter has defined none of this name. */
  histogram(name: string): number[] {
    return this.#metric(MetricType.Histogram, "histogram", name).records.map(Number);
  }

  /** The messages of the filter at a level and above, in order. */
  logs(level: LogLevelName = "trace"): string[] {
    const from = LEVELS.indexOf(level);
    const counts = (line: LogLine): boolean => line.source === "module" && LEVELS.indexOf(line.level) >= from;
    return this.host.log.lines.filter(counts).map(({ message }) => message);
  }

  /**
   * Ends the plugin and the host.
   * @param options.idle throws if a call of the filter still waits for an answer, or the filter has not ended.
   */
  close({ idle = false } = {}): void {
    const waiting = [
      ...this.plugin.httpCalls.map((call) => `the HTTP call ${call.token} to ${call.cluster}`),
      ...this.plugin.grpcCalls.map((call) => `the gRPC call ${call.token} of ${call.path}`),
    ];
    if (!this.plugin.close()) waiting.push("the plugin itself, until it calls proxy_done");
    this.host.close();
    if (idle && waiting.length > 0) throw new Error(`left when the filter was closed: ${waiting.join(", ")}`);
  }

  #metric(
    type: MetricType,
    kind: string,
    name: string,
  ): { readonly value: bigint; readonly records: readonly bigint[] } {
    const { metrics } = this.host;
    return found(
      metrics.find(name, type),
      `${kind} "${name}"`,
      metrics.entries().map(([other]) => other),
    );
  }
}

function found<T>(value: T | undefined, what: string, others: readonly string[]): T {
  if (value !== undefined) return value;
  throw new Error(`no ${what}; there ${others.length === 0 ? "is nothing" : `are: ${others.join(", ")}`}`);
}
