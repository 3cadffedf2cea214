import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Figures, NO_TOTALS } from "../fleet/index.ts";
import { guardReason } from "./guards.ts";
import { fetchCounts, fetchFault, hasFetched, type FetchCounts } from "./module-fetch.ts";
import { except, fleet, run, started } from "./testdata/run.ts";

const counts = (counters: Readonly<Record<string, number>>): FetchCounts =>
  fetchCounts(new Figures({ ...NO_TOTALS, counters: new Map(Object.entries(counters)) }));
const faultOf = (counters: Readonly<Record<string, number>>): string | undefined => fetchFault(counts(counters));

const ANSWERS = "cluster.meshwright-modules.upstream_rq_";

describe("why a sidecar has not got its module", () => {
  // As real Envoys count: see test/rollout.test.ts.
  it("is told by the answers to its fetches, unless a VM was made", () => {
    assert.equal(faultOf({}), undefined);
    assert.equal(faultOf({ [`${ANSWERS}5xx`]: 7 }), "Failed");
    assert.equal(faultOf({ [`${ANSWERS}4xx`]: 1, [`${ANSWERS}2xx`]: 1 }), "Failed");
    assert.equal(faultOf({ [`${ANSWERS}2xx`]: 7 }), "OtherBytes");
    assert.equal(faultOf({ [`${ANSWERS}2xx`]: 1, "wasm.envoy.wasm.runtime.v8.created": 2 }), undefined);
  });

  it("is none where all were fetched and run", () => {
    const good = { [`${ANSWERS}2xx`]: 1, "wasm.envoy.wasm.runtime.v8.created": 2 };
    assert.equal(hasFetched(counts(good)), true);
    for (const name of [`${ANSWERS}5xx`, `${ANSWERS}4xx`, `${ANSWERS}active`])
      assert.equal(hasFetched(counts({ ...good, [name]: 1 })), false, name);
    for (const name of Object.keys(good)) assert.equal(hasFetched(counts({ ...good, [name]: 0 })), false, name);
  });

  it("is the reason for which a run goes back", () => {
    const sidecars = fleet(3);
    const before = run(started(), { type: "WaveStarted", at: 0, wave: 0 }, { type: "Admitted", at: 0, nodes: ["n0"] });
    const reasonWith = (progress: "Rejected" | "Behind", at: number): string | undefined => {
      const reason = guardReason(before, except(sidecars, { n0: { progress, fetch: "OtherBytes" } }), at);
      return reason && `${reason.kind}: ${reason.message}`;
    };
    const told = "NotFetched: the sidecar n0 could not fetch its module: what arrived has another SHA-256";
    assert.equal(reasonWith("Rejected", 1_000), told);
    assert.equal(reasonWith("Behind", 1_000), undefined);
    assert.equal(reasonWith("Behind", 61_000), told);
  });
});
