import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Fetches, type FetchState } from "./fetches.ts";
import type { FetchCounts } from "./module-fetch.ts";

/** When the control plane tries to deliver a filter, in milliseconds (`xds/delivery.ts`). */
const ATTEMPTS = [0, 50, 200, 700, 1_700, 4_700, 7_700, 10_700];

/** What fetches of one sidecar come to, by when they began. */
type Fetch = (startedAt: number) => { readonly result: "failed" | "arrived"; readonly tookMs: number };

interface Case {
  readonly fetch: Fetch;
  /** When it reports, and when it first does. */
  readonly everyMs: number;
  readonly firstMs: number;
  /** What it had counted in the same window before it was given the module. */
  readonly before?: Partial<FetchCounts>;
}

/** As Envoy does: each attempt is refused and is a fetch, and one after bytes have arrived that are the module makes VMs of it. */
function firstOver({ fetch, everyMs, firstMs, before = {} }: Case): readonly [at: number, state: string] | undefined {
  const fetches = new Fetches();
  const over = (state: FetchState | undefined, at: number): [number, string] | undefined =>
    state === undefined || (state.kind === "fault" && !state.isOver)
      ? undefined
      : [at, state.kind === "fault" ? state.fault : state.kind];
  let counts: FetchCounts = { created: 0, failed: 0, arrived: 0, isFetching: false, ...before };
  let reportedAt = 0;
  for (let now = 0; now < 16_000; now += 50) {
    if (ATTEMPTS.includes(now)) fetches.attempted("n", "it will not", now);
    if (now >= firstMs && (now - firstMs) % everyMs === 0) {
      const begun = ATTEMPTS.filter((at) => at <= now).map((at) => ({ ...fetch(at), at }));
      const done = begun.filter(({ at, tookMs }) => at + tookMs <= now);
      const count = (result: string): number => done.filter((one) => one.result === result).length;
      counts = {
        created: before.created ?? 0,
        failed: (before.failed ?? 0) + count("failed"),
        arrived: (before.arrived ?? 0) + count("arrived"),
        isFetching: done.length < begun.length,
      };
      reportedAt = now;
    }
    const state = over(fetches.look("n", "v2", counts, reportedAt, now), now);
    if (state !== undefined) return state;
  }
  return undefined;
}

const failing: Fetch = () => ({ result: "failed", tookMs: 20 });
const other: Fetch = () => ({ result: "arrived", tookMs: 20 });

describe("fetches of a module that do not come to anything", () => {
  it("are given up after 5 s, and no earlier", () => {
    assert.deepEqual(firstOver({ fetch: failing, everyMs: 250, firstMs: 100 }), [5_100, "Failed"]);
    assert.deepEqual(firstOver({ fetch: failing, everyMs: 5_000, firstMs: 2_000 }), [7_000, "Failed"]);
  });

  it("are given up once other bytes have arrived, and an attempt after that came to no VM", () => {
    assert.deepEqual(firstOver({ fetch: other, everyMs: 250, firstMs: 100 }), [2_850, "OtherBytes"]);
    assert.deepEqual(firstOver({ fetch: other, everyMs: 5_000, firstMs: 2_000 }), [7_000, "OtherBytes"]);
  });

  const patient: readonly (readonly [what: string, fetch: Fetch])[] = [
    ["they take long", () => ({ result: "arrived", tookMs: 9_900 })],
    ["they take so long that Envoy gives each up", () => ({ result: "failed", tookMs: 10_000 })],
    ["they fail for 4 s", (at) => ({ result: at < 4_000 ? "failed" : "arrived", tookMs: 20 })],
    [
      "they fail for 1 s, and then take long",
      (at) => ({ ...(at < 1_000 ? failing(at) : { result: "arrived", tookMs: 9_000 }) }),
    ],
  ];
  for (const [what, fetch] of patient)
    for (const everyMs of [250, 1_000, 5_000])
      it(`are waited for while ${what}, with reports every ${everyMs} ms`, () => {
        for (let firstMs = 50; firstMs <= everyMs; firstMs += everyMs / 5) {
          // Once they have arrived, the next attempt is taken.
          const arrived = Math.min(
            ...ATTEMPTS.map((at) => (fetch(at).result === "arrived" ? at + fetch(at).tookMs : Infinity)),
          );
          const taken = ATTEMPTS.find((at) => at > arrived) ?? 15_700;
          const over = firstOver({ fetch, everyMs, firstMs, before: { arrived: 1, failed: 1 } });
          assert.ok(over === undefined || over[0] >= taken, `${firstMs} ${String(over)}`);
        }
      });
});
