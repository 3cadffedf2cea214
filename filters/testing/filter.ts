// What the tests of the filters share. Runs in Node.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import { Ajv, type ValidateFunction } from "ajv";
import {
  Clock,
  Metrics,
  ProxyWasmHost,
  SharedData,
  type HttpStream,
  type LogLevelName,
  type Plugin,
  type PropertyMap,
} from "@meshwright/host";
import { buildFilters } from "../../setup/filters.mjs";
import { root } from "../../setup/paths.mjs";

const modules = new Map<string, Promise<Uint8Array>>();

/** The compiled module of a filter, built from its present sources. */
export function filterModule(name: string): Promise<Uint8Array> {
  let module = modules.get(name);
  if (module === undefined) modules.set(name, (module = build(name)));
  return module;
}

async function build(name: string): Promise<Uint8Array> {
  await buildFilters([name]);
  return readFile(join(root, "build", `${name}.wasm`));
}

/** A function that checks a configuration by the filter's JSON Schema. */
export async function schemaOf(name: string): Promise<ValidateFunction> {
  const schema: unknown = JSON.parse(await readFile(join(root, "filters", name, "schema.json"), "utf8"));
  if (typeof schema !== "object" || schema === null) throw new TypeError(`filters/${name}/schema.json is no object`);
  return new Ajv({ allErrors: true }).compile(schema);
}

/** A clock that can also be set back, as the wall clock of a machine can. */
export class WallClock extends Clock {
  #offset = 0n;

  override get realtime(): bigint {
    return super.realtime + this.#offset;
  }

  /** Sets the clock by so many milliseconds, back if negative, without time passing. */
  step(milliseconds: number): void {
    this.#offset += BigInt(Math.round(milliseconds * 1_000_000));
  }
}

/** One request: its headers beside `:method`, `:path` and `:authority`, and where it comes from. */
export interface Request {
  readonly path?: string;
  readonly method?: string;
  readonly authority?: string;
  readonly headers?: readonly (readonly [string, string | Uint8Array])[];
  /** Address and port of the peer. */
  readonly from?: string;
  /** Properties by path: `xds.route_name`, for example. */
  readonly properties?: PropertyMap;
}

/** Gives the tests of a file Envoys with one filter, and stops them when the tests have run. */
export class Envoys {
  readonly #filter: string;
  readonly #envoys: Envoy[] = [];

  constructor(filter: string) {
    this.#filter = filter;
    before(() => this.module);
    after(() => this.#envoys.forEach((envoy) => envoy.close()));
  }

  get module(): Promise<Uint8Array> {
    return filterModule(this.#filter);
  }

  async start(): Promise<Envoy> {
    const envoy = new Envoy(await this.module);
    this.#envoys.push(envoy);
    return envoy;
  }
}

/** What the workers of one Envoy have in common, and the workers that it has. */
export class Envoy {
  readonly clock = new WallClock();
  readonly metrics = new Metrics();
  readonly sharedData: SharedData;
  readonly #module: Uint8Array;
  readonly #workers: Worker[] = [];

  readonly #maxMemoryPages: number | undefined;

  /** @param maxMemoryPages Of each worker's module, of 64 KiB each; Envoy's bound when left out. */
  constructor(module: Uint8Array, sharedData = new SharedData(), maxMemoryPages?: number) {
    this.#module = module;
    this.sharedData = sharedData;
    this.#maxMemoryPages = maxMemoryPages;
  }

  /** Starts a worker with one plugin. Throws if the filter refuses the configuration. */
  async worker(configuration: unknown, logLevel: LogLevelName = "info"): Promise<Worker> {
    const { clock, metrics, sharedData } = this;
    const maxMemoryPages = this.#maxMemoryPages;
    const options = {
      clock,
      metrics,
      sharedData,
      logLevel,
      ...(maxMemoryPages === undefined ? {} : { maxMemoryPages }),
    };
    const host = await ProxyWasmHost.load(this.#module, options);
    const plugin = host.startPlugin({ configuration: JSON.stringify(configuration) });
    if (!plugin.ok) throw new Error(plugin.reason);
    const worker = new Worker(host, plugin);
    this.#workers.push(worker);
    return worker;
  }

  /** A counter or gauge; 0 if it is not there. */
  metric(name: string): number {
    return this.metrics.get(name) ?? 0;
  }

  close(): void {
    for (const worker of this.#workers) worker.close();
  }
}

/** One worker of an Envoy. */
export class Worker {
  readonly #host: ProxyWasmHost;
  readonly #plugin: Plugin;

  constructor(host: ProxyWasmHost, plugin: Plugin) {
    this.#host = host;
    this.#plugin = plugin;
  }

  /** Why the module died; undefined while it lives. */
  get trap(): string | undefined {
    return this.#plugin.trap;
  }

  /** The gRPC calls that wait for an answer. */
  get grpcCalls(): Plugin["grpcCalls"] {
    return this.#plugin.grpcCalls;
  }

  /** The HTTP calls that wait for an answer. */
  get httpCalls(): Plugin["httpCalls"] {
    return this.#plugin.httpCalls;
  }

  get log(): Plugin["log"] {
    return this.#plugin.log;
  }

  /** Sends a request, and an upstream's `200` when the filter lets it pass. The stream is over then. */
  send(request: Request = {}): HttpStream {
    const stream = this.open(request);
    if (stream.localResponse === undefined) stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
    stream.close();
    return stream;
  }

  /** Sends a request, and leaves the stream open. */
  open(request: Request = {}): HttpStream {
    const { path = "/", method = "GET", authority = "a.example", headers = [] } = request;
    const { from = "192.0.2.1:4711", properties = {} } = request;
    const stream = this.#plugin.newHttpStream({ properties: { "source.address": from, ...properties } });
    const all = [[":method", method], [":path", path], [":authority", authority], ...headers] as const;
    stream.requestHeaders(all, { endOfStream: true });
    return stream;
  }

  /** A stream that ends before any of it was sent, as for a malformed request that Envoy answers itself. */
  abandon(): void {
    this.#plugin.newHttpStream().close();
  }

  close(): void {
    this.#host.close();
  }
}

export function statusOf(stream: HttpStream): number {
  return Number(stream.response.headers?.get(":status"));
}
