import type { Filter } from "./fleet.ts";
import type { ModuleFate } from "./module-proxy.ts";

/** A fault of a new version of a filter, and what a Rollout is to say of it. */
export interface Fault {
  readonly name: string;
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** A module of its own; else that which all have. */
  readonly note?: string;
  readonly memoryPages?: number;
  readonly fate?: ModuleFate;
  readonly reason: { readonly kind: string; readonly message: RegExp };
}

const worse = (message: RegExp): Fault["reason"] => ({ kind: "Worse", message });
const notFetched = (message: RegExp): Fault["reason"] => ({ kind: "NotFetched", message });

/** All that Envoy says of a filter that it does not take. */
const unable = /rejected it: Unable to create Wasm plugin faulty/;

export const faults: readonly Fault[] = [
  {
    name: "traps",
    configuration: { trapEvery: 20 },
    reason: { kind: "VmFailure", message: /^the filter trapped (once|\d+ times) in / },
  },
  {
    // Without a limit it would be 4 GiB in each VM until it traps.
    name: "leaks, in a module of 4 MiB at most",
    configuration: { leakBytes: 20_000 },
    note: "leaks",
    memoryPages: 64,
    reason: { kind: "VmFailure", message: /^the filter trapped (once|\d+ times) in / },
  },
  {
    name: "503 for 2 %",
    configuration: { errorEvery: 50 },
    reason: worse(/^Errors: [\d.]+ % of \d+ requests, others 0 %/),
  },
  { name: "20 ms slower", configuration: { delayMs: 20 }, reason: worse(/^Slow: [\d.]+ % of \d+ requests/) },
  {
    name: "configuration refused in Envoy",
    configuration: { refuseInEnvoy: true },
    reason: { kind: "Rejected", message: unable },
  },
  {
    name: "the same, in a new module",
    configuration: { refuseInEnvoy: true },
    note: "refuses",
    reason: { kind: "Rejected", message: unable },
  },
  {
    name: "module answered with 503",
    note: "503",
    fate: "503",
    reason: notFetched(/could not fetch its module: who it asked answered with an error, or not at all$/),
  },
  {
    name: "module server dies",
    note: "dies",
    fate: "dies",
    reason: notFetched(/could not fetch its module: who it asked answered with an error, or not at all$/),
  },
  {
    name: "module has another hash",
    note: "corrupt",
    fate: "corrupt",
    reason: notFetched(/could not fetch its module: what arrived has another SHA-256$/),
  },
];

/** The version that all have before, and after a fault. */
export const GOOD: Filter = { configuration: { mark: "good" }, note: "good" };

export function filterWith({ name, configuration, note = GOOD.note, memoryPages }: Fault): Filter {
  return {
    ...{ configuration: { mark: name, ...configuration }, note },
    ...(memoryPages === undefined ? {} : { memoryPages }),
  };
}
