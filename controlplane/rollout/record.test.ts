import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { applyRecord, intentOf, type RolloutRecord, type RecordEvent, replayRecord } from "./record.ts";
import { spec } from "./testdata/run.ts";

function record(...events: RecordEvent[]): RolloutRecord {
  const result = replayRecord("authz", [{ type: "Baseline", at: 0, version: "v1" }, ...events]);
  assert.ok(result !== undefined);
  return result;
}

const start = (run: number, from: string, to: string, undo = false): RecordEvent => ({
  ...{
    type: "Started",
    at: run,
    rollout: "authz",
    run,
    from,
    to,
    spec: spec(),
    by: "ann",
    undo,
    sidecars: 3,
    unable: [],
  },
});
const promoted: RecordEvent = { type: "Promoted", at: 9, by: "ann" };
const back: RecordEvent[] = [
  { type: "RollingBack", at: 9, by: "ann", reason: { kind: "Aborted", message: "", nodes: [] } },
  { type: "RolledBack", at: 9, leftOver: [] },
];

describe("the record of a Rollout", () => {
  it("has the version that was last promoted as its stable one", () => {
    assert.equal(record().stable, "v1");
    assert.equal(record(start(1, "v1", "v2")).stable, "v1");
    assert.equal(record(start(1, "v1", "v2"), promoted).stable, "v2");
    const third = record(start(1, "v1", "v2"), promoted, start(2, "v2", "v3"), ...back);
    assert.deepEqual([third.stable, third.run?.phase, third.past.length, third.length], ["v2", "RolledBack", 1, 6]);
  });

  it("refuses events that cannot follow", () => {
    const one = record(start(1, "v1", "v2"));
    assert.throws(() => applyRecord("authz", one, start(2, "v1", "v3")), /the one before has ended/);
    assert.throws(() => applyRecord("authz", record(), start(1, "v0", "v3")), /from the stable version/);
    assert.throws(() => applyRecord("authz", undefined, promoted), /before Baseline/);
    assert.throws(() => applyRecord("authz", record(), { type: "Baseline", at: 0, version: "v2" }), /one Baseline/);
  });
});

describe("what a change of the source means", () => {
  const running = record(start(1, "v1", "v2"));
  const undo = [start(1, "v1", "v2"), promoted, start(2, "v2", "v1", true)];
  const undoing = record(...undo);
  const undone = record(start(1, "v1", "v2"), ...back);
  for (const [what, of, desired, how, intent] of [
    ["nothing, where all have it", record(), "v1", "Automatic", "none"],
    ["a run, where it is another", record(), "v2", "Automatic", "start"],
    ["that it waits, where runs start by hand", record(), "v2", "Manual", "held"],
    ["nothing, where the run is for it", running, "v2", "Automatic", "none"],
    ["that the run is undone, where it is for another", running, "v3", "Automatic", "supersede"],
    ["that the run is undone, where it is the old one again", running, "v1", "Automatic", "supersede"],
    ["that it waits, where it was rolled back", undone, "v2", "Automatic", "held"],
    ["a run, where something else was rolled back", undone, "v3", "Automatic", "start"],
    ["nothing, where what was rolled back is gone", undone, "v1", "Automatic", "none"],
    ["nothing, where the run undoes what it says", undoing, "v2", "Automatic", "none"],
    ["that the undoing is undone, where it says something new", undoing, "v3", "Automatic", "supersede"],
    ["that it waits, where it was undone", record(...undo, promoted), "v2", "Automatic", "held"],
  ] as const) {
    it(what, () => assert.equal(intentOf(of, desired, how), intent));
  }

  it("is forgotten of a version that was rolled back, when another was tried", () => {
    assert.equal(undone.held, "v2");
    assert.equal(record(start(1, "v1", "v2"), ...back, start(2, "v1", "v3"), promoted).held, undefined);
  });
});
