import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { RolloutReport, RunReport } from "../../api/index.ts";
import { InputError } from "../../explain/input-error.ts";
import { standingOf, timeoutOf, type Wanted } from "./wait.ts";

const run = (more: Partial<RunReport> = {}): RunReport => ({
  ...{
    number: 1,
    phase: "Progressing",
    undo: false,
    startedAt: "",
    startedBy: "source",
    endedAt: null,
    from: "v1",
    to: "v2",
  },
  ...{ touched: 0, reason: null, waitsFor: null, waves: [], sidecars: [], evidence: null, ...more },
});
const report = (more: Partial<RolloutReport> = {}): RolloutReport => ({
  ...{ name: "shop", state: "Settled", why: null, targets: [], stable: "v1", desired: "v2", run: null },
  ...{ source: more.desired ?? "v2", refused: [], ...more },
});
const waves: RunReport["waves"] = (["Good", "Baking", "Pending"] as const).map((state, i) => ({
  ...{ number: i + 1, name: null, percentage: 10, state, approval: "None", sidecars: 1, running: 1 },
  ...{ bakesForSeconds: null, findings: [] },
}));
const reason = { kind: "Worse", title: "worse figures", message: "Errors: 2 %", nodes: [] };
const refused = ["policy.yaml:7:3: spec.module: there is no WasmModule"];
const ended = { endedAt: "2026-01-01T00:00:00Z" };

describe("waiting for a Rollout", () => {
  const cases: readonly (readonly [what: string, report: RolloutReport, wanted: Wanted, standing: string])[] = [
    [
      "before the change has come",
      report({ desired: "v1" }),
      { after: "v1" },
      "waiting: the source says what it said before",
    ],
    ["when there is nothing to change", report({ desired: "v1" }), {}, "done"],
    ["before the run has started", report(), { after: "v1" }, "waiting: a run is about to start"],
    [
      "when it is refused",
      report({ desired: "v1", source: "v1+1", refused }),
      { after: "v1" },
      "refused: what the source says is refused as faulty",
    ],
    [
      "while it is as faulty as it was",
      report({ desired: "v1", source: "v1+1", refused }),
      { after: "v1+1" },
      "waiting: the source says what it said before, and is as faulty as it was",
    ],
    ["when a fault was undone", report({ desired: "v1" }), { after: "v1+1" }, "done"],
    [
      "when a later change is refused",
      report({ state: "Progressing", run: run({ waves }), source: "v2+1", refused }),
      { after: "v1", version: "v2" },
      "waiting: run 1 Progressing, wave 2 of 3: Baking",
    ],
    [
      "while another comes first",
      report({ state: "Blocked", why: "the run of Rollout pay comes first" }),
      {},
      "waiting: the run of Rollout pay comes first",
    ],
    [
      "in a wave",
      report({ state: "Progressing", run: run({ waves }) }),
      { version: "v2" },
      "waiting: run 1 Progressing, wave 2 of 3: Baking",
    ],
    [
      "for an approval",
      report({ state: "Waiting", run: run({ phase: "Waiting", waitsFor: "Approval" }) }),
      {},
      "waiting: run 1 Waiting, before its first wave, waits: Approval",
    ],
    [
      "when it is promoted",
      report({ stable: "v2", run: run({ phase: "Promoted", ...ended }) }),
      { after: "v1", version: "v2" },
      "done",
    ],
    [
      "when it went back",
      report({ state: "Held", run: run({ phase: "RolledBack", reason, ...ended }) }),
      { version: "v2" },
      "failed: rolled back (worse figures): Errors: 2 %",
    ],
    [
      "when an earlier version went back, and this one is about to start",
      report({ desired: "v3", run: run({ phase: "RolledBack", reason, ...ended }) }),
      {},
      "waiting: a run is about to start",
    ],
    [
      "when it starts by hand",
      report({ state: "Held", why: "it starts by hand" }),
      {},
      "failed: it starts by hand: meshwright rollout start shop --wait",
    ],
    [
      "when the source says something else by now",
      report({ desired: "v3", run: run() }),
      { version: "v2" },
      "failed: superseded: the source says something else by now",
    ],
  ];
  for (const [what, seen, wanted, expected] of cases) {
    it(what, () => {
      const standing = standingOf(seen, wanted);
      const more = "text" in standing ? `: ${standing.text}` : "reason" in standing ? `: ${standing.reason}` : "";
      assert.equal(`${standing.kind}${more}`, expected);
    });
  }

  it("is about what the source said when it was first seen", () => {
    const standing = standingOf(report({ state: "Progressing", run: run() }), { after: "v1" });
    assert.ok(standing.kind === "waiting");
    assert.deepEqual(standing.wanted, { after: "v1", version: "v2" });
  });

  it("takes time limits in seconds, minutes and hours", () => {
    assert.deepEqual(["90s", "30m", "2h"].map(timeoutOf), [90_000, 1_800_000, 7_200_000]);
    for (const text of ["", "5", "-1s", "1d"]) assert.throws(() => timeoutOf(text), InputError);
  });
});
