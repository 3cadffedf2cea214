// All faults of a filter, and a control plane that is killed in each state of a rollout, over twelve real Envoys under traffic:
// `npm run test:rollouts`. Prints what each cost, and fails where one was not contained.
import assert from "node:assert/strict";
import { assertContained, settled, shipFault } from "../support/rollouts/contained.ts";
import { ship, type Outcome } from "../support/rollouts/experiment.ts";
import { faults, filterWith, GOOD } from "../support/rollouts/faults.ts";
import { RolloutFleet } from "../support/rollouts/fleet.ts";
import { killAt, moments } from "../support/rollouts/kills.ts";
import { gated, spec } from "../support/rollouts/spec.ts";

const seconds = (ms: number | undefined): string => (ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`);

function print(name: string, { answers, touched, reason, judgedAfterMs, goneAfterMs, undoneAfterMs }: Outcome): void {
  const all = [...answers.values()];
  const sum = (of: "sent" | "failed"): number => all.reduce((total, one) => total + one[of], 0);
  const cells = [
    ...[name, reason?.kind ?? "promoted", sum("sent"), sum("failed"), touched.length],
    ...[judgedAfterMs, goneAfterMs, undoneAfterMs].map(seconds),
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

const fleet = await RolloutFleet.start({ configuration: { mark: "first" }, note: "first" }, spec);
try {
  const header = ["fault", "reason", "requests", "failed", "sidecars touched", "judged", "last bad answer", "all back"];
  process.stdout.write(`| ${header.join(" | ")} |\n| ${header.map(() => "---").join(" | ")} |\n`);

  const good = await ship(fleet, GOOD);
  assert.equal(good.phase, "Promoted", good.reason?.message);
  print("none", good);
  for (const fault of faults) print(fault.name, await shipFault(fleet, fault));

  const [refused] = faults.filter(({ name }) => name === "configuration refused in Envoy");
  assert.ok(refused !== undefined);
  const undone = ((await fleet.report()).run?.number ?? 0) + 1;
  const outcome = await ship(fleet, filterWith(refused), () => killAt(fleet, undone, moments.undoing));
  assert.equal(outcome.phase, "RolledBack");
  await assertContained(fleet, outcome);
  print("killed while it is undone", outcome);
  await fleet.ship(GOOD);
  await settled(fleet);

  fleet.writeRollout(gated);
  const onward = Object.values(moments).filter((moment) => moment !== moments.undoing);
  const run = undone + 1;
  const killed = await ship(fleet, { configuration: { mark: "next" }, note: "next" }, async () => {
    for (const moment of onward) await killAt(fleet, run, moment);
  });
  assert.equal(killed.phase, "Promoted", killed.reason?.message);
  for (const [node, { failed }] of killed.answers) assert.equal(failed, 0, node);
  print(`killed ${onward.length} times, in each state`, killed);
} finally {
  await fleet.stop();
}
