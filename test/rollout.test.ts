// A bad filter never takes a fleet down: Rollouts over twelve real Envoys under traffic. All cases: `npm run test:rollouts`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertContained, settled, shipFault } from "./support/rollouts/contained.ts";
import { ship } from "./support/rollouts/experiment.ts";
import { faults, filterWith, GOOD } from "./support/rollouts/faults.ts";
import { RolloutFleet } from "./support/rollouts/fleet.ts";
import { killAt, moments } from "./support/rollouts/kills.ts";
import { spec } from "./support/rollouts/spec.ts";

const FIRST = { configuration: { mark: "first" }, note: "first" };
const TOLD = ["traps", "503 for 2 %", "configuration refused in Envoy", "module answered with 503"];

describe("a Rollout over twelve Envoys under traffic", () => {
  let fleet: RolloutFleet;

  before(async () => {
    fleet = await RolloutFleet.start(FIRST, spec);
  });
  after(() => fleet.stop());

  test("brings a good version to all, and no request fails", async () => {
    const { phase, reason, touched, answers } = await ship(fleet, GOOD);
    assert.equal(phase, "Promoted", reason?.message);
    assert.deepEqual([...touched].sort(), [...fleet.nodes].sort());
    for (const [node, { failed, versions }] of answers) {
      assert.deepEqual([failed, [...versions.keys()]], [0, ["first", "good"]], node);
    }
  });

  for (const fault of faults.filter(({ name }) => TOLD.includes(name))) {
    test(`undoes a version with a fault: ${fault.name}`, async () => {
      await shipFault(fleet, fault);
    });
  }

  test("goes on to undo a version when the control plane was killed while it did, and no request fails", async () => {
    const [refused] = faults.filter(({ name }) => name === "configuration refused in Envoy");
    assert.ok(refused !== undefined);
    const run = ((await fleet.report()).run?.number ?? 0) + 1;
    const outcome = await ship(fleet, filterWith(refused), () => killAt(fleet, run, moments.undoing));
    assert.equal(outcome.phase, "RolledBack");
    assert.equal(outcome.reason?.kind, "Rejected");
    await assertContained(fleet, outcome);
    for (const { failed } of outcome.answers.values()) assert.equal(failed, 0);
    await fleet.ship(GOOD);
    await settled(fleet);
  });

  test("goes on in the same wave when the control plane was killed, and no request fails", async () => {
    const run = ((await fleet.report()).run?.number ?? 0) + 1;
    const next = { configuration: { mark: "next" }, note: "next" };
    const { phase, reason, answers } = await ship(fleet, next, () => killAt(fleet, run, moments.secondSent));
    assert.equal(phase, "Promoted", reason?.message);
    for (const [node, { failed, versions }] of answers) {
      assert.deepEqual([failed, [...versions.keys()]], [0, ["good", "next"]], node);
    }
  });
});
