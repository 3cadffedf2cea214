import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { TypeUrl } from "../xds/index.ts";
import { SqliteStore } from "../store/index.ts";
import type { Run } from "./run.ts";
import { DurableRolloutStore } from "./durable-store.ts";
import { MemoryRolloutStore } from "./store.ts";
import { Mesh, source } from "./testdata/mesh.ts";
import { Sidecar, type Behaviour } from "./testdata/sidecar.ts";

const waves = [{ percentage: 10, bake: "30s" }, { percentage: 50, bake: "30s" }, { bake: "30s" }];
const spec = (more: object = {}): string => JSON.stringify({ waves, ...more });

/** A mesh in which all have version v1, and the source says v2. */
async function changed(bad: Behaviour = {}, more: object = {}): Promise<Mesh> {
  const mesh = await Mesh.serving(source("v1", spec(more)));
  mesh.behaviours["v2"] = bad;
  assert.deepEqual(await mesh.adopt(source("v2", spec(more))), []);
  return mesh;
}

describe("a change of what a Rollout targets", () => {
  it("reaches the sidecars wave by wave, and then is what all have", async () => {
    const mesh = await changed();
    const sizes: number[] = [];
    while (mesh.rollouts.view("shop")?.record.run?.phase !== "Promoted") {
      const { v2 = 0 } = mesh.versions;
      if (sizes.at(-1) !== v2) sizes.push(v2);
      await mesh.pass(1);
      assert.ok(sizes.length < 10);
    }
    assert.deepEqual(sizes, [0, 1, 5, 10]);
    assert.deepEqual(mesh.versions, { v2: 10 });
    const log = await mesh.rollouts.log("shop");
    assert.deepEqual(
      log.filter(({ type }) => type !== "Judged" && type !== "Admitted").map(({ type }) => type),
      ["Baseline", "Started", ...Array<string[]>(3).fill(["WaveStarted", "Settled"]).flat(), "Promoted"],
    );
  });

  it("is served to nobody before its first wave", async () => {
    const mesh = await changed();
    assert.deepEqual(mesh.versions, { v1: 10 });
    await mesh.pass(2);
    assert.deepEqual(mesh.everSent("v2").length, 1);
    assert.deepEqual(mesh.served.at(-1), mesh.everSent("v2"));
  });

  const faults: readonly (readonly [what: string, behaviour: Behaviour, kind: string, message: RegExp])[] = [
    ["is rejected", { answer: "reject" }, "Rejected", /rejected it: no such colour/],
    ["loses the stream", { answer: "lose" }, "LostStream", /lost the stream within 30s/],
    ["is not answered", { answer: "ignore" }, "NoAnswer", /did not take it within 1m|within 60s/],
    ["does not run", { runs: false }, "NotLoaded", /its filter does not run|filter runs/],
    ["traps", { traps: true }, "VmFailure", /trapped/],
    ["answers one in ten with 503", { errors: 0.1 }, "Worse", /Errors: \d/],
  ];
  for (const [what, behaviour, kind, message] of faults) {
    it(`is undone where it ${what}, and the others never saw it`, async () => {
      const mesh = await changed(behaviour);
      assert.equal(await mesh.finish(), "RolledBack");
      const { run } = mesh.rollouts.view("shop")?.record ?? {};
      assert.equal(run?.reason?.kind, kind);
      assert.match(run.reason.message, message);
      assert.equal(mesh.everSent("v2").length, 1);
      assert.deepEqual(mesh.versions, { v1: 10 });
      // It is not tried again by itself, but by hand, and then what was good is undone as well.
      await mesh.pass(60);
      assert.equal(mesh.rollouts.view("shop")?.intent, "held");
      mesh.behaviours["v2"] = {};
      for (const sidecar of mesh.sidecars.values()) assert.ok(sidecar.isConnected || kind === "LostStream");
      if (kind === "LostStream") return;
      assert.deepEqual((await mesh.rollouts.retry("shop", "ann")).ok, true);
      assert.equal(await mesh.finish(), "Promoted");
      assert.deepEqual((await mesh.rollouts.undo("shop", "ann")).ok, true);
      assert.equal(await mesh.finish(), "Promoted");
      assert.deepEqual(mesh.versions, { v1: 10 });
    });
  }

  it("is undone once a sidecar does not take it with a module that it has, and not while it still fetches that", async () => {
    const reasonWith = async (answer: "refuse" | "fetch"): Promise<readonly [kind: string, afterMs: number]> => {
      const mesh = await changed({ answer });
      assert.equal(await mesh.finish(), "RolledBack");
      const { run } = mesh.rollouts.view("shop")?.record ?? {};
      assert.equal(mesh.everSent("v2").length, 1);
      return [run?.reason?.message ?? "", (run?.endedAt ?? 0) - (run?.startedAt ?? 0)];
    };
    const [refused, soon] = await reasonWith("refuse");
    assert.match(refused, /rejected it: no such colour/);
    assert.ok(soon <= 15_000, `${soon}`);
    const [unanswered, late] = await reasonWith("fetch");
    assert.match(unanswered, /did not take it within 60s/);
    assert.ok(late > 60_000, `${late}`);
  });

  it("waits where nobody sends requests, and is undone when the wave is not over in time", async () => {
    const mesh = await changed(
      {},
      { waveTimeout: { after: "10m", action: "RollBack" }, analysis: { minRequests: 1e9 } },
    );
    assert.equal(await mesh.finish(), "RolledBack");
    assert.equal(mesh.rollouts.view("shop")?.record.run?.reason?.kind, "Stuck");
  });

  it("is undone when the source says something else, which then is rolled out", async () => {
    const mesh = await changed();
    await mesh.pass(40);
    await mesh.adopt(source("v3", spec()));
    assert.equal(mesh.rollouts.view("shop")?.record.run?.phase, "RollingBack");
    assert.equal(mesh.versions["v2"], undefined);
    await mesh.pass(20);
    assert.equal(mesh.rollouts.view("shop")?.record.run?.number, 2);
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(mesh.versions, { v3: 10 });
  });
});

describe("a change of an EnvoyPatch", () => {
  const patched = (bytes?: number, more: object = {}): ReturnType<typeof source> => {
    const patch = `---
apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: limits }
spec:
  patches:
    - { operation: Merge, target: { type: Listener, direction: Inbound }, value: { perConnectionBufferLimitBytes: ${bytes ?? 0} } }
`;
    const text = spec({ targetRefs: [{ kind: "EnvoyPatch", name: "limits" }], ...more });
    return bytes === undefined ? source("v1", "{}", []) : source("v1", text, ["shop"], patch);
  };
  /** How many sidecars are served each form of their listener. */
  const forms = (mesh: Mesh): number[] => {
    const counts = new Map<string, number>();
    for (const { node } of mesh.sidecars.values()) {
      const sets = mesh.rollouts.translationFor(node.id)?.snapshotFor(node).snapshot?.sets;
      const listener = sets?.get(TypeUrl.listener)?.resources.get("inbound")?.body ?? assert.fail();
      // The sidecars are at different addresses.
      const form = Buffer.from(listener).toString("latin1").includes("\x2a\x03\x08") ? "patched" : "plain";
      counts.set(form, (counts.get(form) ?? 0) + 1);
    }
    return ["plain", "patched"].map((form) => counts.get(form) ?? 0);
  };

  it("reaches the sidecars wave by wave, also where there was none before", async () => {
    const mesh = await Mesh.serving(patched());
    assert.deepEqual(await mesh.adopt(patched(1024)), []);
    const seen = new Set<string>();
    await mesh.pass(600, () => {
      seen.add(forms(mesh).join());
      return mesh.rollouts.view("shop")?.record.run?.phase === "Promoted";
    });
    assert.deepEqual([...seen], ["10,0", "9,1", "5,5", "0,10"]);
  });
});

describe("a sidecar that says it is of another Service", () => {
  const stranger = (id: string): Sidecar => new Sidecar(id, {}, "another");

  it("is left out of all waves, and named", async () => {
    const mesh = await Mesh.serving(source("v1", spec()));
    const [first = ""] = mesh.sidecars.keys();
    mesh.replace(stranger(first));
    await mesh.adopt(source("v2", spec()));
    assert.equal(await mesh.finish(), "Promoted");
    const { run } = mesh.rollouts.view("shop")?.record ?? {};
    assert.deepEqual(run?.unable, [
      { node: "n0", reason: 'the node "n0" is a sidecar of Service shop, but says that its cluster is "another"' },
    ]);
    assert.equal(run.admitted.size, 9);
    assert.deepEqual(mesh.versions, { none: 1, v2: 9 });
  });

  it("in the midst of a wave is not replaced by one more that gets the new version", async () => {
    const mesh = await changed();
    await mesh.pass(3);
    const [canary = ""] = mesh.everSent("v2");
    mesh.replace(stranger(canary));
    assert.equal(await mesh.finish(), "RolledBack");
    const { run } = mesh.rollouts.view("shop")?.record ?? {};
    assert.equal(run?.reason?.kind, "NoAnswer");
    assert.deepEqual([run.admitted.size, mesh.everSent("v2")], [1, []]);
  });
});

describe("commands", () => {
  it("pause, resume, abort and promote a run", async () => {
    const mesh = await changed();
    await mesh.pass(3);
    const ask = async (command: "pause" | "resume" | "abort" | "promote"): Promise<boolean> =>
      (await mesh.rollouts.command("shop", command, "ann")).ok;
    assert.equal(await ask("resume"), false);
    assert.equal(await ask("pause"), true);
    await mesh.pass(600);
    assert.deepEqual(mesh.versions, { v1: 9, v2: 1 });
    assert.equal(await ask("resume"), true);
    assert.equal(await ask("abort"), true);
    assert.deepEqual(mesh.versions, { v1: 10 });
    assert.equal(await mesh.finish(), "RolledBack");
    assert.equal((await mesh.rollouts.retry("shop", "ann")).ok, true);
    assert.equal(await ask("promote"), true);
    assert.deepEqual(mesh.versions, { v2: 10 });
    assert.equal((await mesh.rollouts.command("none", "pause", "ann")).ok, false);
  });

  it("start what starts by hand, and approve what needs it", async () => {
    const more = {
      start: "Manual",
      waves: [
        { percentage: 10, bake: "30s" },
        { bake: "30s", approval: "Manual" },
      ],
    };
    const mesh = await changed({}, more);
    await mesh.pass(60);
    assert.deepEqual(mesh.everSent("v2"), []);
    assert.equal((await mesh.rollouts.start("shop", "ann")).ok, true);
    await mesh.pass(600);
    assert.deepEqual(mesh.versions, { v1: 9, v2: 1 });
    assert.equal(mesh.rollouts.view("shop")?.record.run?.waitsFor, "Approval");
    assert.equal((await mesh.rollouts.command("shop", "approve", "ann")).ok, true);
    assert.equal(await mesh.finish(), "Promoted");
  });
});

describe("a control plane that is killed", () => {
  const moments: readonly (readonly [what: string, behaviour: Behaviour, is: (run: Run) => boolean])[] = [
    ["before the first wave", {}, () => true],
    ["while a wave gets the new version", {}, (run) => run.admitted.size === 1],
    ["while a wave bakes", {}, (run) => run.settledAt !== undefined],
    ["in the second wave", {}, (run) => run.wave === 1],
    ["while it is paused", {}, (run) => run.phase === "Paused"],
    ["while it rolls back", { traps: true }, (run) => run.phase === "RollingBack"],
  ];
  for (const [what, behaviour, is] of moments) {
    it(`${what} goes on where it was`, async () => {
      const mesh = await changed(behaviour);
      const runOf = (): Run | undefined => mesh.rollouts.view("shop")?.record.run;
      await mesh.pass(1);
      if (what.endsWith("paused")) await mesh.rollouts.command("shop", "pause", "ann");
      await mesh.pass(300, () => is(runOf() ?? assert.fail("no run")));
      const before = runOf();
      assert.ok(before !== undefined && is(before));
      const had = mesh.versions;
      await mesh.kill();
      await mesh.pass(10);
      await mesh.start(source("v2", spec()));
      assert.deepEqual(mesh.versions, had);
      assert.deepEqual([runOf()?.number, runOf()?.wave, runOf()?.phase], [before.number, before.wave, before.phase]);
      if (what.endsWith("paused")) {
        await mesh.pass(300);
        assert.deepEqual(mesh.versions, had);
        await mesh.rollouts.command("shop", "resume", "ann");
      }
      const isBad = behaviour.traps === true;
      assert.equal(await mesh.finish(), isBad ? "RolledBack" : "Promoted");
      assert.deepEqual(mesh.versions, isBad ? { v1: 10 } : { v2: 10 });
      if (isBad) assert.equal(mesh.everSent("v2").length, 1);
    });
  }

  it("finds its runs and their versions in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-rollouts-"));
    try {
      const file = join(folder, "state.db");
      const first = SqliteStore.open(file);
      const mesh = await Mesh.serving(source("v1", spec()), new DurableRolloutStore(first));
      await mesh.adopt(source("v2", spec()));
      await mesh.pass(60);
      const before = mesh.rollouts.view("shop")?.record;
      const had = mesh.versions;
      assert.ok((had["v2"] ?? 0) > 1 && (had["v1"] ?? 0) > 1);
      await mesh.kill();
      await first.close();
      const second = SqliteStore.open(file);
      mesh.store = new DurableRolloutStore(second);
      await mesh.start(source("v2", spec()));
      assert.deepEqual(mesh.versions, had);
      assert.deepEqual(mesh.rollouts.view("shop")?.record.run?.admitted, before?.run?.admitted);
      assert.equal(await mesh.finish(), "Promoted");
      await mesh.kill();
      await second.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("after it rolled back does not bring the bad version again", async () => {
    const mesh = await changed({ errors: 0.1 });
    assert.equal(await mesh.finish(), "RolledBack");
    await mesh.kill();
    await mesh.start(source("v2", spec()));
    await mesh.pass(600);
    assert.equal(mesh.everSent("v2").length, 1);
  });

  it("finds a change that was made meanwhile, and rolls it out", async () => {
    const mesh = await Mesh.serving(source("v1", spec()));
    await mesh.kill();
    await mesh.start(source("v2", spec()));
    assert.deepEqual(mesh.versions, { v1: 10 });
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(mesh.versions, { v2: 10 });
  });
});

describe("a Rollout that is taken out of the source", () => {
  it("is refused while its run is under way", async () => {
    const mesh = await changed();
    await mesh.pass(3);
    assert.deepEqual(await mesh.adopt(source("v2", spec(), [])), [
      "Rollout shop is gone, but its run 1 is Progressing: put it back, and abort or promote the run first",
    ]);
    assert.deepEqual(mesh.versions, { v1: 9, v2: 1 });
  });

  it("is refused while its targets are in a version that was rolled back", async () => {
    const mesh = await changed({ answer: "reject" });
    assert.equal(await mesh.finish(), "RolledBack");
    assert.match((await mesh.adopt(source("v2", spec(), [])))[0] ?? "", /in a version that run 1 took back/);
    assert.deepEqual(await mesh.adopt(source("v1", spec(), [])), []);
  });

  it("and put back later begins with what the sidecars have then", async () => {
    const mesh = await changed();
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(await mesh.adopt(source("v3", spec(), [])), []);
    assert.deepEqual(mesh.versions, { v3: 10 });
    assert.deepEqual(await mesh.adopt(source("v3", spec())), []);
    await mesh.pass(10);
    assert.deepEqual(mesh.versions, { v3: 10 });
    await mesh.adopt(source("v4", spec()));
    await mesh.pass(2);
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(mesh.versions, { v4: 10 });
  });
});

it("events that another control plane has written meanwhile are not written over", async () => {
  const store = new MemoryRolloutStore();
  const mesh = await Mesh.serving(source("v1", spec()), store);
  await mesh.adopt(source("v2", spec()));
  await mesh.pass(3);
  const { length } = await store.read("shop");
  await store.append("shop", length, [{ type: "Paused", at: mesh.now, by: "another", because: "asked for" }]);
  await assert.rejects(mesh.rollouts.command("shop", "abort", "ann"), /another control plane changed Rollout shop/);
  assert.equal(mesh.rollouts.view("shop")?.record.run?.phase, "Paused");
});
