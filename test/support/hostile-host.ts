import { ENV_IMPORTS, WASI_IMPORTS } from "@meshwright/host";
import { encodePairs } from "../../host/pairs.ts";
import type { Numbers } from "./numbers.ts";
import { WebAssembly, type Instance, type Memory } from "../../host/webassembly.ts";

/** Where an import puts data that the host gives: its parameters for the address and the size. */
const dataParameters: Readonly<Record<string, readonly [pointer: number, size: number]>> = {
  proxy_get_property: [2, 3],
  proxy_get_header_map_pairs: [1, 2],
  proxy_get_header_map_value: [3, 4],
  proxy_get_buffer_bytes: [3, 4],
  proxy_get_status: [1, 2],
  proxy_get_shared_data: [2, 3],
  proxy_dequeue_shared_queue: [1, 2],
  proxy_call_foreign_function: [4, 5],
};

/** Where an import puts a number, of four bytes unless said. */
const numberParameters: Readonly<Record<string, readonly [pointer: number, bytes?: 8]>> = {
  proxy_get_log_level: [0],
  proxy_get_status: [0],
  proxy_get_header_map_size: [1],
  proxy_get_buffer_status: [1],
  proxy_http_call: [9],
  proxy_grpc_call: [11],
  proxy_grpc_stream: [8],
  proxy_define_metric: [3],
  proxy_get_metric: [1, 8],
  proxy_get_shared_data: [4],
  proxy_register_shared_queue: [2],
  proxy_resolve_shared_queue: [4],
  proxy_get_current_time_nanoseconds: [0, 8],
  clock_time_get: [2, 8],
};

/**
 * A host that answers each import with any status, token and data, of the right form but with no regard to what it was asked or
 * told before.
 */
export class HostileHost {
  readonly #instance: Instance;
  readonly #numbers: Numbers;
  readonly #value: () => string | Uint8Array;
  readonly #rootIds: readonly string[];
  /** Whether imports succeed, and give each number once; else statuses and numbers come from the generator. */
  isKind = false;
  #given = 0;
  #clock = 1n;

  /**
   * @param rootIds What plugins are configured with.
   * @param value What comes as configuration, body, shared data, or value of a header or another property.
   */
  constructor(module: Uint8Array, numbers: Numbers, rootIds: readonly string[], value: () => string | Uint8Array) {
    this.#numbers = numbers;
    this.#rootIds = rootIds;
    this.#value = value;
    const imports: Record<string, Record<string, (...args: (number | bigint)[]) => number>> = {
      env: {},
      wasi_snapshot_preview1: {},
    };
    for (const [space, names] of [
      ["env", Object.keys(ENV_IMPORTS)],
      ["wasi_snapshot_preview1", Object.keys(WASI_IMPORTS)],
    ] as const) {
      for (const name of names) {
        const functions = imports[space];
        if (functions !== undefined) functions[name] = (...args) => this.#import(name, args);
      }
    }
    this.#instance = new WebAssembly.Instance(new WebAssembly.Module(module), imports);
    this.call("_initialize");
  }

  get memory(): Memory {
    const memory = this.#instance.exports["memory"];
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("the module exports no memory");
    return memory;
  }

  /** Calls an export; 0 where the module has none of this name. */
  call(name: string, ...args: number[]): unknown {
    const callback = this.#instance.exports[name];
    return typeof callback === "function" ? (callback as (...args: number[]) => unknown)(...args) : 0;
  }

  #import(name: string, args: readonly (number | bigint)[]): number {
    if (name === "proxy_log") return 0;
    if (!this.isKind && this.#numbers(4) === 0) return 1 + this.#numbers(12);
    const number = numberParameters[name];
    if (number !== undefined) {
      const [at, bytes] = number;
      const view = new DataView(this.memory.buffer);
      const pointer = Number(args[at]);
      if (bytes === 8) view.setBigUint64(pointer, this.#time(), true);
      else view.setUint32(pointer, this.isKind ? ++this.#given : this.#numbers(8), true);
    }
    const data = dataParameters[name];
    if (data !== undefined) {
      const [pointer, size] = data.map((at) => Number(args[at]));
      const bytes = this.#data(name, args);
      const address = bytes.length === 0 ? 0 : Number(this.call("proxy_on_memory_allocate", bytes.length));
      new Uint8Array(this.memory.buffer).set(bytes, address);
      const view = new DataView(this.memory.buffer);
      if (pointer) view.setUint32(pointer, address, true);
      if (size) view.setUint32(size, bytes.length, true);
    }
    return 0;
  }

  /** Time that mostly goes on. */
  #time(): bigint {
    this.#clock += BigInt(this.#numbers(20)) * 1_000_000n;
    return this.#numbers(50) === 0 ? this.#clock / 2n : this.#clock;
  }

  #data(name: string, args: readonly (number | bigint)[]): Uint8Array {
    if (name === "proxy_get_property") {
      const path = Buffer.from(this.memory.buffer, Number(args[0]), Number(args[1])).toString();
      if (path === "plugin_root_id") return Buffer.from(this.#rootIds[this.#numbers(this.#rootIds.length)] ?? "");
    }
    if (!this.isKind && this.#numbers(5) === 0) return Buffer.alloc(0);
    if (name !== "proxy_get_header_map_pairs") return Buffer.from(this.#value());
    const names = ["x-scenario", ":status", ":path", ":method"];
    return encodePairs(names.map((header) => [Buffer.from(header), Buffer.from(this.#value())]));
  }
}
