import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { NO_TOTALS, type Totals } from "../fleet/index.ts";
import type { CheckSpec } from "../model/index.ts";
import { spec } from "./testdata/run.ts";
import { Watch } from "./watch.ts";

const DENIALS: CheckSpec = { metric: "Denials", tolerated: 2, minRate: 0.001 };

/** What inbound listeners reported, with requests that the filter authz has denied. */
const totals = (requests: number, denied: number): Totals => ({
  ...NO_TOTALS,
  counters: new Map([
    ["http.inbound.downstream_rq_completed", requests],
    ["wasmcustom.authz.denied.rules", denied],
  ]),
});

/** The verdict on a filter that denies one request in ten, where the others deny none. */
function verdictOn(check: CheckSpec, isFirst: boolean): string {
  const watch = new Watch(
    spec({ analysis: { minRequests: 100, falseAlarms: 0.001, checks: [check] } }),
    ["inbound"],
    isFirst,
  );
  for (let window = 1; window <= 20; window++) {
    const services = new Map([["shop", { watched: totals(1_000, 100), control: [totals(9_000, 0)] }]]);
    watch.add(
      { to: window, services, vmFailures: new Map(), othersTrap: false },
      { past: new Map(), before: new Map() },
    );
  }
  return watch.verdict().kind;
}

describe("denied requests", () => {
  it("are compared with those of the others", () => {
    assert.equal(verdictOn(DENIALS, false), "Bad");
  });

  it("of the first filter are not, since the others have none that could deny, but have a limit where the check says so", () => {
    assert.equal(verdictOn(DENIALS, true), "Good");
    assert.equal(verdictOn({ ...DENIALS, maxRate: 0.2 }, true), "Good");
    assert.equal(verdictOn({ ...DENIALS, maxRate: 0.05 }, true), "Bad");
  });
});
