import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { obey } from "./commands.ts";
import { decide } from "./decide.ts";
import type { Observation } from "./observation.ts";
import { type Run, type RunEvent, versionFor } from "./run.ts";
import { after, except, fleet, run, seeing, started, wave } from "./testdata/run.ts";

const MINUTE = 60_000;
const ten = fleet(10);

/** Decides until there is nothing more to decide, and gives the run after it with the types of the events. */
function step(before: Run, seen: Observation, now: number): { readonly run: Run; readonly types: string[] } {
  const types: string[] = [];
  let state = before;
  for (;;) {
    const events = decide(state, seen, now);
    if (events.length === 0) return { run: state, types };
    types.push(...events.map(({ type }) => type));
    state = after(state, events);
  }
}

const withNew = (state: Run): string[] =>
  ten.map(({ node }) => node).filter((node) => versionFor(state, node) === "new");

/** A run whose first wave, one of ten sidecars, got the new version at 0. */
function firstWave(more: Parameters<typeof started>[0] = {}): { readonly run: Run; readonly canary: string } {
  const { run: state } = step(run(started(more)), seeing(ten), 0);
  const [canary, ...others] = withNew(state);
  assert.ok(canary !== undefined && others.length === 0);
  return { run: state, canary };
}

describe("a run whose version is good", () => {
  it("goes wave by wave, each after it has run and baked, and is promoted", () => {
    let { run: state, types } = step(run(started()), seeing(ten), 0);
    assert.deepEqual(types, ["WaveStarted", "Admitted", "Settled"]);
    assert.equal(withNew(state).length, 1);
    const canaries = withNew(state);

    ({ run: state, types } = step(state, seeing(ten), 59_000));
    assert.deepEqual(types, [], "it bakes");

    ({ run: state, types } = step(state, seeing(ten), 60_000));
    assert.deepEqual(types, ["Judged", "WaveStarted", "Admitted", "Settled"]);
    assert.equal(withNew(state).length, 5);
    assert.ok(canaries.every((node) => withNew(state).includes(node)));

    ({ run: state } = step(state, seeing(ten), 120_000));
    assert.equal(withNew(state).length, 10);

    ({ run: state, types } = step(state, seeing(ten), 180_000));
    assert.deepEqual(types, ["Judged", "Promoted"]);
    assert.equal(versionFor(state, "one that was never there"), "new");
    assert.deepEqual(state.findings, [["errors 0 of 100"], ["errors 0 of 100"], ["errors 0 of 100"]]);
  });

  it("does not go on while figures are undecided, and pauses when that takes too long", () => {
    const undecided = seeing(ten, { verdict: { kind: "Undecided", findings: ["7 of 100 requests"] } });
    let { run: state } = firstWave();
    ({ run: state } = step(state, undecided, 30 * MINUTE));
    assert.equal(state.phase, "Progressing");
    ({ run: state } = step(state, undecided, 61 * MINUTE));
    assert.equal(state.phase, "Paused");
    ({ run: state } = step(state, seeing(ten), 62 * MINUTE));
    assert.equal(state.phase, "Paused", "what is paused goes on when somebody says so");
    const resumed = obey(state, "resume", "ann", 62 * MINUTE);
    assert.ok(resumed.ok);
    ({ run: state } = step(after(state, resumed.events), seeing(ten), 62 * MINUTE));
    assert.equal(state.wave, 1);
  });

  it("rolls back when it is stuck, where its policy says so", () => {
    const undecided = seeing(ten, { verdict: { kind: "Undecided", findings: ["7 of 100 requests"] } });
    const { run: state } = firstWave({ waveTimeout: { after: "10m", action: "RollBack" } });
    const { run: end, types } = step(state, undecided, 11 * MINUTE);
    assert.deepEqual(types, ["RollingBack", "RolledBack"]);
    assert.equal(end.reason?.kind, "Stuck");
    assert.match(end.reason.message, /wave 1 was not over within 10m: 7 of 100 requests/);
  });

  it("waits for an approval, for a window, and for the end of a freeze", () => {
    const gated = started({ waves: [wave({ percentage: 10, approval: "Manual" }), wave()] });
    let { run: state, types } = step(run(gated), seeing(ten), 0);
    assert.deepEqual(types, ["Waiting"]);
    assert.equal(state.waitsFor, "Approval");
    assert.deepEqual(withNew(state), []);
    const approved = obey(state, "approve", "ann", 1);
    assert.ok(approved.ok);
    ({ run: state, types } = step(after(state, approved.events), seeing(ten, { open: false }), 2));
    assert.deepEqual([types, state.waitsFor], [["Waiting"], "Window"]);
    ({ run: state, types } = step(state, seeing(ten, { frozen: true }), 3));
    assert.deepEqual([types, state.waitsFor], [["Waiting"], "Freeze"]);
    ({ run: state, types } = step(state, seeing(ten), 4));
    assert.deepEqual(types, ["WaveStarted", "Admitted", "Settled"]);
    assert.equal(obey(state, "approve", "ann", 5).ok, false, "the last wave needs none");
  });

  it("never changes more at once than it may", () => {
    const sidecars = fleet(12, 3);
    const behind = (state: Run): Observation =>
      except(sidecars, Object.fromEntries([...state.admitted.keys()].map((node) => [node, { progress: "Behind" }])));
    const all = { waves: [wave()] };
    let state = after(run(started(all)), decide(run(started(all)), seeing(sidecars), 0));
    assert.equal(state.admitted.size, 6, "half of each Service");
    assert.deepEqual(decide(state, behind(state), 1), []);
    ({ run: state } = step(state, seeing(sidecars), 2));
    assert.equal(state.admitted.size, 12);

    const capped = run(started({ ...all, maxAtOnce: 2 }));
    state = after(capped, decide(capped, seeing(sidecars), 0));
    assert.equal(state.admitted.size, 2);
  });

  it("leaves out who cannot run it, and lets who joins wait for a wave", () => {
    const unable = ten.map((one, i) => (i < 8 ? { ...one, unable: "no Wasm" } : one));
    const { run: state } = step(run(started({ waves: [wave()] })), seeing(unable), 0);
    assert.deepEqual(withNew(state), ["n8", "n9"]);
    assert.equal(versionFor(state, "a new one"), "old");
  });

  it("is promoted at once where there is no sidecar, but not where none is connected", () => {
    assert.deepEqual(step(run(started()), seeing([]), 0).types, ["Promoted"]);
    const away = except(ten, Object.fromEntries(ten.map(({ node }) => [node, { connected: false }])));
    const { run: state, types } = step(run(started()), away, 0);
    assert.deepEqual(types, ["WaveStarted"]);
    assert.deepEqual(step(state, away, 10 * MINUTE).types, []);
    assert.deepEqual(step(state, away, 61 * MINUTE).types, ["Paused"]);
  });

  it("does not go on before sidecars had time to connect again", () => {
    const { run: state } = firstWave();
    assert.deepEqual(step(state, seeing(ten, { settled: false }), 10 * MINUTE).types, []);
  });

  it("is not held up by sidecars that join while it bakes", () => {
    let { run: state } = firstWave();
    const eleven = fleet(21);
    const seen = { ...seeing(eleven), states: new Map(seeing(eleven).states) };
    state = after(state, decide(state, seen, 30_000));
    assert.ok(state.admitted.size > 1);
    assert.equal(state.settledAt, 0);
  });
});

describe("a run whose version is bad", () => {
  const cases: readonly (readonly [string, Partial<Record<string, unknown>>, number, string, RegExp])[] = [
    ["is rejected", { progress: "Rejected", message: "bad field" }, 100, "Rejected", /rejected it: bad field/],
    ["does not run", { progress: "Failed" }, 100, "NotLoaded", /does not run/],
    ["loses the stream", { connected: false, since: 20_000 }, 20_000, "LostStream", /lost the stream within 30s/],
    ["is not answered", { progress: "Behind" }, 61_000, "NoAnswer", /did not take it within 60s/],
    ["is not proven to run", { progress: "Held" }, 61_000, "NotLoaded", /did not report within 60s/],
  ];
  for (const [what, state, now, kind, message] of cases) {
    it(`${what}: it goes back at once`, () => {
      const { run: before, canary } = firstWave();
      const { run: end, types } = step(before, except(ten, { [canary]: state }), now);
      assert.equal(types[0], "RollingBack");
      assert.ok(end.reason !== undefined);
      assert.equal(end.reason.kind, kind);
      assert.deepEqual(end.reason.nodes, [canary]);
      assert.match(end.reason.message, message);
      assert.deepEqual(withNew(end), []);
    });
  }

  it("is worse by the figures: it goes back, also while it is paused or waits", () => {
    const reason = { kind: "Worse", message: "errors 2 % where others have 0.1 %", nodes: [] } as const;
    const worse = seeing(ten, { verdict: { kind: "Bad", findings: [], reason } });
    const { run: state } = firstWave();
    assert.equal(step(state, worse, 5000).run.phase, "RolledBack");
    const paused = obey(state, "pause", "ann", 1);
    assert.ok(paused.ok);
    assert.equal(step(after(state, paused.events), worse, 5000).run.phase, "RolledBack");
  });

  it("takes one lost stream of a large wave for chance, and several not", () => {
    const many = fleet(1000);
    const begun = run(started({ waves: [wave()], spread: { by: [], maxPercentage: 50 } }));
    const { run: state } = step(begun, seeing(many), 0);
    const lose = (count: number): Observation =>
      except(many, Object.fromEntries(many.slice(0, count).map(({ node }) => [node, { connected: false, since: 10 }])));
    assert.equal(step(state, lose(10), 20).run.phase, "Progressing");
    assert.equal(step(state, lose(11), 20).types[0], "RollingBack");
  });

  it("takes no lost stream for its fault that was lost before, or long after", () => {
    const { run: state, canary } = firstWave();
    for (const [since, now] of [
      [-1, 10],
      [30_001, 30_002],
    ] as const) {
      const { types } = step(state, except(ten, { [canary]: { connected: false, since } }), now);
      assert.ok(!types.includes("RollingBack"));
    }
  });

  it("is rolled back when all who are connected have the old version again", () => {
    const { run: before, canary } = firstWave();
    const aborted = obey(before, "abort", "ann", 100);
    assert.ok(aborted.ok);
    let state = after(before, aborted.events);
    assert.deepEqual(withNew(state), []);
    ({ run: state } = step(state, except(ten, { [canary]: { progress: "Behind" } }), 200));
    assert.equal(state.phase, "RollingBack");
    const { run: left } = step(state, except(ten, { [canary]: { progress: "Behind" } }), 121_000);
    assert.deepEqual([left.phase, left.leftOver], ["RolledBack", [canary]]);
    const { run: done } = step(state, except(ten, { [canary]: { connected: false } }), 300);
    assert.deepEqual([done.phase, done.leftOver], ["RolledBack", []]);
    assert.equal(obey(done, "promote", "ann", 400).ok, false);
  });
});

describe("commands", () => {
  it("are refused where they make no sense", () => {
    const { run: state } = firstWave();
    const refused = (command: Parameters<typeof obey>[1], of: Run): string => {
      const result = obey(of, command, "ann", 1);
      assert.ok(!result.ok);
      return result.message;
    };
    assert.match(refused("resume", state), /is not paused: it is Progressing/);
    assert.match(refused("approve", state), /wave 2 of run 1 of Rollout authz needs no approval/);
    const events: RunEvent[] = [{ type: "Paused", at: 1, by: "ann", because: "asked for" }];
    assert.match(refused("pause", after(state, events)), /is paused already/);
  });

  it("promote gives everybody the new version", () => {
    const { run: state } = firstWave();
    const promoted = obey(state, "promote", "ann", 1);
    assert.ok(promoted.ok);
    assert.equal(withNew(after(state, promoted.events)).length, 10);
  });
});
