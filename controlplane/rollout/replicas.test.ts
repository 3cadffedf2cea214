import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { source } from "./testdata/mesh.ts";
import { Replicas } from "./testdata/replicas.ts";
import type { Behaviour } from "./testdata/sidecar.ts";

const waves = [{ percentage: 20, bake: "30s" }, { percentage: 60, bake: "30s" }, { bake: "30s" }];
const spec = JSON.stringify({ waves });

/** A mesh in which all have version v1, and the source says v2. */
async function changed(count: number, bad: Behaviour = {}): Promise<Replicas> {
  const mesh = await Replicas.serving(count, source("v1", spec));
  mesh.behaviours["v2"] = bad;
  mesh.change(source("v2", spec));
  return mesh;
}

describe("several control planes on one store", () => {
  it("bring a change to the sidecars of all of them, wave by wave", async () => {
    const mesh = await changed(3);
    const sizes: number[] = [];
    while (mesh.record?.run?.phase !== "Promoted") {
      const { v2 = 0 } = mesh.versions;
      if (sizes.at(-1) !== v2) sizes.push(v2);
      await mesh.pass(1);
      assert.ok(sizes.length < 10);
    }
    assert.deepEqual(sizes, [0, 2, 6, 10]);
    await mesh.pass(3);
    assert.deepEqual(mesh.versions, { v2: 10 });
    assert.deepEqual(mesh.outside, []);
    // Each tells the same of it.
    for (const { rollouts } of mesh.replicas) assert.deepEqual(rollouts.view("shop")?.record, mesh.record);
  });

  const faults: readonly (readonly [what: string, behaviour: Behaviour, kind: string])[] = [
    ["is rejected", { answer: "reject" }, "Rejected"],
    ["is not answered", { answer: "ignore" }, "NoAnswer"],
    ["loses the stream", { answer: "lose" }, "LostStream"],
    ["does not run", { runs: false }, "NotLoaded"],
    ["traps", { traps: true }, "VmFailure"],
    ["answers one in ten with 503", { errors: 0.1 }, "Worse"],
  ];
  for (const [what, behaviour, kind] of faults) {
    it(`undo it where it ${what}, also where none of the canaries is connected to the leader`, async () => {
      const mesh = await Replicas.serving(2, source("v1", spec));
      // All sidecars are those of the one that does not lead.
      const other = 1 - mesh.leader;
      for (const sidecar of mesh.sidecars.values()) {
        sidecar.disconnect();
        mesh.connect(sidecar, other);
      }
      await mesh.pass(60);
      mesh.behaviours["v2"] = behaviour;
      mesh.change(source("v2", spec));
      assert.equal(await mesh.finish(), "RolledBack");
      assert.equal(mesh.record?.run?.reason?.kind, kind);
      assert.equal(mesh.everSent("v2").length, 2);
      assert.deepEqual(mesh.versions, { v1: 10 });
      assert.deepEqual(mesh.outside, []);
    });
  }

  it("compare sidecars of one with those of another", async () => {
    const mesh = await Replicas.serving(2, source("v1", spec));
    mesh.behaviours["v2"] = { errors: 0.04 };
    // Errors that have nothing to do with the change.
    mesh.behaviours["v1"] = { errors: 0.04 };
    mesh.change(source("v2", spec));
    await mesh.pass(5);
    const canaries = [...(mesh.record?.run?.admitted.keys() ?? [])];
    assert.equal(canaries.length, 2);
    for (const sidecar of mesh.sidecars.values()) {
      sidecar.disconnect();
      mesh.connect(sidecar, canaries.includes(sidecar.node.id) ? 0 : 1);
    }
    await mesh.pass(33);
    const [first] = mesh.replica(1).rollouts.view("shop")?.evidence?.checks ?? [];
    assert.ok((first?.watched.all ?? 0) > 100 && (first?.control.all ?? 0) > 400, JSON.stringify(first));
    assert.deepEqual(
      mesh.replicas.map(({ rollouts }) => rollouts.view("shop")?.evidence),
      Array(2).fill(mesh.replica(mesh.leader).rollouts.view("shop")?.evidence),
    );
    assert.equal(await mesh.finish(), "Promoted");
  });

  it("take commands, whichever is asked", async () => {
    const mesh = await changed(2);
    await mesh.pass(3);
    const { rollouts } = mesh.replica(1 - mesh.leader);
    const ask = async (what: "pause" | "resume" | "abort"): Promise<unknown> => {
      const asked = rollouts.command("shop", what, "ann");
      await mesh.pass(1);
      const result = await asked;
      return result.ok ? result.events.map(({ type }) => type) : result.message;
    };
    assert.deepEqual(await ask("pause"), ["Paused"]);
    await mesh.pass(300);
    assert.deepEqual(mesh.versions, { v1: 8, v2: 2 });
    assert.equal(await ask("pause"), "run 1 of Rollout shop is paused already");
    assert.deepEqual(await ask("abort"), ["RollingBack"]);
    assert.equal(await mesh.finish(), "RolledBack");
    const retried = rollouts.retry("shop", "ann");
    await mesh.pass(1);
    assert.equal((await retried).ok, true);
    assert.equal(mesh.record?.run?.startedBy, "ann");
    assert.equal(await mesh.finish(), "Promoted");
  });

  it("are joined by another amid a run, which serves what the others do", async () => {
    const mesh = await changed(1);
    await mesh.pass(3);
    await mesh.add();
    for (const sidecar of mesh.sidecars.values()) {
      sidecar.disconnect();
      mesh.connect(sidecar, 1);
    }
    assert.deepEqual(mesh.versions, { v1: 8, v2: 2 });
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(mesh.outside, []);
  });
});

describe("the one that leads", () => {
  for (const [what, behaviour] of [
    ["a good version", {}],
    ["a version that traps", { traps: true }],
    ["a version that is rejected", { answer: "reject" }],
  ] as const) {
    for (const seconds of [1, 2, 20, 45, 100]) {
      it(`dies ${seconds} s after ${what} began: the next goes on`, async () => {
        const mesh = await changed(2, behaviour);
        await mesh.pass(seconds);
        const { leader } = mesh;
        mesh.kill(leader);
        await mesh.pass(5);
        mesh.store.expire(mesh.replica(leader).client);
        assert.notEqual(mesh.leader, leader);
        const isGood = Object.keys(behaviour).length === 0;
        assert.equal(await mesh.finish(), isGood ? "Promoted" : "RolledBack");
        assert.deepEqual(mesh.versions, isGood ? { v2: 10 } : { v1: 10 });
        assert.deepEqual(mesh.outside, []);
      });
    }
  }

  it("is cut off from the store without knowing it: it changes nothing, and follows the next when it is back", async () => {
    const mesh = await changed(2);
    await mesh.pass(10);
    const { leader } = mesh;
    const { client, rollouts } = mesh.replica(leader);
    client.cutOff();
    await mesh.pass(5);
    const before = mesh.versions;
    await assert.rejects(rollouts.command("shop", "promote", "ann"), /out of reach/);
    mesh.store.expire(client);
    // The other leads, and both believe that they do.
    await mesh.pass(2);
    assert.deepEqual(mesh.versions, before);
    client.comeBack();
    await mesh.pass(1);
    assert.equal(await mesh.finish(), "Promoted");
    assert.deepEqual(mesh.versions, { v2: 10 });
    assert.deepEqual(mesh.outside, []);
  });
});

type Step =
  | { readonly do: "pass"; readonly seconds: number }
  | { readonly do: "kill" | "add" | "cut" | "expire" | "notice" | "back" | "move"; readonly which: number }
  | { readonly do: "command"; readonly which: number; readonly command: "pause" | "resume" | "promote" | "abort" };

const which = fc.nat(2);
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("pass" as const), seconds: fc.constantFrom(1, 2, 15, 40) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("cut", "expire", "notice", "back", "back", "move", "kill", "add"),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("command" as const),
      which,
      command: fc.constantFrom("pause", "resume", "resume", "promote", "abort"),
    }),
  },
);

it("whatever becomes of the control planes and of their store, no sidecar has what the log does not say, and in the end all have one version", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryStep, { maxLength: 14 }),
      fc.constantFrom({}, { traps: true }),
      async (steps, bad) => {
        const mesh = await changed(3, bad);
        const asked: Promise<unknown>[] = [];
        for (const step of steps) {
          const alive = mesh.replicas.map((_, i) => i).filter((i) => mesh.replica(i).isAlive);
          const index = step.do === "pass" ? 0 : (alive[step.which % alive.length] ?? 0);
          const { client, rollouts } = mesh.replica(index);
          if (step.do === "pass") await mesh.pass(step.seconds);
          else if (step.do === "kill" && alive.length > 1) mesh.kill(index);
          else if (step.do === "add" && mesh.replicas.length < 5) await mesh.add().catch(() => undefined);
          else if (step.do === "cut") client.cutOff();
          else if (step.do === "expire") mesh.store.expire(client);
          else if (step.do === "notice" && !client.isThere) client.noticeLoss();
          else if (step.do === "back") client.comeBack();
          else if (step.do === "move") {
            const sidecar = [...mesh.sidecars.values()][step.which];
            if (sidecar?.isConnected === true) {
              sidecar.disconnect();
              mesh.connect(sidecar, index);
            }
          } else if (step.do === "command" && mesh.leader === index) {
            asked.push(rollouts.command("shop", step.command, "ann").catch(() => undefined));
          }
          assert.deepEqual(mesh.outside, []);
        }
        await Promise.all(asked);
        // All is well again.
        for (const { client, isAlive } of mesh.replicas) {
          if (isAlive) client.comeBack();
          else mesh.store.expire(client);
        }
        await mesh.pass(10);
        const leader = mesh.replica(mesh.leader).rollouts;
        if (mesh.record?.run?.phase === "Paused") await leader.command("shop", "resume", "ann");
        const phase = await mesh.finish();
        assert.deepEqual(mesh.outside, []);
        assert.deepEqual(mesh.versions, { [phase === "Promoted" ? "v2" : "v1"]: 10 });
        await mesh.close();
      },
    ),
    { numRuns: 25 },
  );
});
