// All faults of a filter, and a control plane that is killed in each state of a rollout, over twelve real Envoys under traffic:
// `npm run test:rollouts`. Prints what each cost, with `-- --status` also what `meshwright rollout status` says of it, and fails where one was not contained.
import assert from "node:assert/strict";
import { assertContained, settled, shipFault } from "../support/rollouts/contained.ts";
import { ship, type Outcome } from "../support/rollouts/experiment.ts";
import { faults, filterWith, GOOD } from "../support/rollouts/faults.ts";
import { RolloutFleet } from "../support/rollouts/fleet.ts";
import { killAt, moments } from "../support/rollouts/kills.ts";
import { gated, spec } from "../support/rollouts/spec.ts";

const seconds = (ms: number | undefined): string => (ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`);

function print(name: string, outcome: Outcome): void {
  const { answers, touched, reason, judgedAfterMs, goneAfterMs, undoneAfterMs, status } = outcome;
  const all = [...answers.values()];
  const sum = (of: "sent" | "failed"): number => all.reduce((total, one) => total + one[of], 0);
  const cells = [
    ...[name, reason?.kind ?? "promoted", sum("sent"), sum("failed"), touched.length],
    ...[judgedAfterMs, goneAfterMs, undoneAfterMs].map(seconds),
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
  if (process.argv.includes("--status")) process.stderr.write(`${name}:\n${status.join("\n")}\n\n`);
}

async function nextRun(of: RolloutFleet): Promise<number> {
  return ((await of.report()).run?.number ?? 0) + 1;
}

const fleet = await RolloutFleet.start({ configuration: { mark: "first" }, note: "first" }, spec);
try {
  const header = ["fault", "reason", "requests", "failed", "sidecars touched", "judged", "last bad answer", "all back"];
  process.stdout.write(`| ${header.join(" | ")} |\n| ${header.map(() => "---").join(" | ")} |\n`);

  const good = await ship(fleet, GOOD);
  assert.equal(good.phase, "Promoted", good.reason?.message);
  print("none", good);
  for (const fault of faults) print(fault.name, await shipFault(fleet, fault));

  for (const [name, moment, what] of [
    ["503 for 2 %", moments.firstBakes, "503 for 2 %, killed in the first wave"],
    ["configuration refused in Envoy", moments.undoing, "killed while it is undone"],
  ] as const) {
    const fault = faults.find((one) => one.name === name);
    assert.ok(fault !== undefined);
    const run = await nextRun(fleet);
    const outcome = await ship(fleet, filterWith(fault), () => killAt(fleet, run, moment));
    assert.equal(outcome.phase, "RolledBack");
    await assertContained(fleet, outcome);
    print(what, outcome);
    await fleet.ship(GOOD);
    await settled(fleet);
  }

  fleet.writeRollout(gated);
  const onward = Object.values(moments).filter((moment) => moment !== moments.undoing);
  const run = await nextRun(fleet);
  const killed = await ship(fleet, { configuration: { mark: "next" }, note: "next" }, async () => {
    for (const moment of onward) await killAt(fleet, run, moment);
  });
  assert.equal(killed.phase, "Promoted", killed.reason?.message);
  for (const [node, { failed }] of killed.answers) assert.equal(failed, 0, node);
  print(`killed ${onward.length} times, in each state`, killed);
} finally {
  await fleet.stop();
}
