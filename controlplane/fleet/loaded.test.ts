import assert from "node:assert/strict";
import { test } from "node:test";

import { loadedFilters, type LoadState, type Stat } from "./index.ts";

const ACTIVE = "wasm.envoy.wasm.runtime.v8.active";
const ACCEPTED_AT = 100_000;

/** Statistics received so many seconds after the acceptance. */
function stats(seconds: number, values: Record<string, number>): ReadonlyMap<string, Stat> {
  const at = ACCEPTED_AT + seconds * 1_000;
  return new Map(Object.entries(values).map(([name, value]) => [name, { value, at }]));
}

const one = ["m1"];
const two = ["m1", "m2"];
const workers = { "server.concurrency": 2 };

const TABLE: [what: string, vms: string[], stats: ReadonlyMap<string, Stat>, now: number, expected: LoadState][] = [
  ["no statistics at all", one, stats(0, {}), 2, "unknown"],
  ["only statistics from before", one, stats(-5, { ...workers, [ACTIVE]: 4 }), 2, "accepted"],
  ["statistics that may be from before", one, stats(1, { ...workers, [ACTIVE]: 4 }), 2, "accepted"],
  ["no statistics since, for long", one, stats(-5, { ...workers, [ACTIVE]: 4 }), 31, "unknown"],
  ["a VM on both workers, base and main thread", one, stats(2, { ...workers, [ACTIVE]: 4 }), 2, "loaded"],
  ["a count that is one short", one, stats(2, { ...workers, [ACTIVE]: 3 }), 2, "loaded"],
  ["the fetch is not done", one, stats(2, { ...workers, [ACTIVE]: 0 }), 3, "accepted"],
  ["the fetch is not done for long", one, stats(31, { ...workers, [ACTIVE]: 0 }), 31, "failed"],
  ["bypassed: the statistic is gone", one, stats(31, workers), 31, "failed"],
  [
    "bypassed: the statistic is old",
    one,
    new Map([...stats(31, workers), ...stats(-5, { [ACTIVE]: 4 })]),
    31,
    "failed",
  ],
  ["two filters in one VM", ["m1", "m1"], stats(2, { ...workers, [ACTIVE]: 4 }), 2, "loaded"],
  ["two VMs, one count short", two, stats(2, { ...workers, [ACTIVE]: 7, "wasm.wasm_vm_count": 8 }), 2, "loaded"],
  ["two VMs, both counts short", two, stats(2, { ...workers, [ACTIVE]: 6, "wasm.wasm_vm_count": 7 }), 2, "loaded"],
  ["one of two VMs, by the newer count", two, stats(31, { ...workers, "wasm.wasm_vm_count": 4 }), 31, "unknown"],
  ["two VMs", two, stats(2, { ...workers, [ACTIVE]: 8 }), 2, "loaded"],
  ["one of two VMs", two, stats(31, { ...workers, [ACTIVE]: 4 }), 31, "unknown"],
  ["none of two VMs", two, stats(31, workers), 31, "failed"],
  ["no concurrency", one, stats(31, { [ACTIVE]: 4 }), 31, "unknown"],
];

for (const [what, vms, reported, now, expected] of TABLE) {
  test(`${what}: ${expected}`, () => {
    const filters = vms.map((vm, i) => ({ name: `f${i}`, vm }));
    const states = loadedFilters(filters, ACCEPTED_AT, reported, ACCEPTED_AT + now * 1_000);
    assert.deepEqual(
      [...states],
      filters.map(({ name }) => [name, expected]),
    );
  });
}
