import assert from "node:assert/strict";
import { get } from "../http.ts";
import { until } from "../until.ts";
import { ship, type Outcome } from "./experiment.ts";
import { heldBy } from "./proof.ts";
import { filterWith, GOOD, type Fault } from "./faults.ts";
import type { RolloutFleet } from "./fleet.ts";
import { FIRST_WAVE } from "./spec.ts";

/** Ships a fault to sidecars that have the good version, asserts that it is contained, and takes it out of the source. */
export async function shipFault(fleet: RolloutFleet, fault: Fault): Promise<Outcome> {
  fleet.modules.fate = fault.fate ?? "arrives";
  const outcome = await ship(fleet, filterWith(fault));
  fleet.modules.fate = "arrives";
  assertCause(outcome, fault);
  await assertContained(fleet, outcome);
  const isRefusal = outcome.reason?.kind === "Rejected" || outcome.reason?.kind === "NotFetched";
  if (isRefusal) await assertSameBytes(fleet, outcome);
  await fleet.ship(GOOD);
  await settled(fleet);
  return outcome;
}

/** Waits until the source says what all have. */
export async function settled(fleet: RolloutFleet): Promise<void> {
  await until(async () => (await fleet.report()).state === "Settled", 30_000);
}

/** Envoy shows a filter that it refused as what it has, until it is sent the old one once more. */
async function assertSameBytes(fleet: RolloutFleet, { touched, before }: Outcome): Promise<void> {
  assert.ok(touched.length > 0);
  await until(async () => {
    const now = await heldBy(fleet);
    return touched.every((node) => now.get(node)?.bytes === before.get(node)?.bytes);
  }, 10_000);
}

function assertCause({ phase, reason, evidence, touched }: Outcome, fault: Fault): void {
  assert.equal(phase, "RolledBack");
  assert.equal(reason?.kind, fault.reason.kind, reason?.message);
  assert.match(reason.message, fault.reason.message);
  for (const node of reason.nodes) assert.ok(touched.includes(node), node);
  const bad = evidence?.checks.filter((check) => check.bad).map(({ name }) => name);
  assert.deepEqual(bad, fault.reason.kind === "Worse" ? [reason.message.split(":")[0]] : []);
  const traps = Object.keys(evidence?.vmFailures ?? {});
  assert.equal(traps.length > 0, fault.reason.kind === "VmFailure");
}

/** Only the first wave ever had it, nobody else so much as heard of it, and all have again what they had. */
export async function assertContained(fleet: RolloutFleet, outcome: Outcome): Promise<void> {
  const { touched, others, answers, before, after } = outcome;
  assert.ok(touched.length <= FIRST_WAVE, touched.join());
  assert.equal(touched.length + others.length, fleet.nodes.length);
  for (const node of others) {
    assert.equal(after.get(node)?.dump, before.get(node)?.dump, `${node} was sent something`);
    assert.equal(after.get(node)?.sent, before.get(node)?.sent, `${node} was sent something`);
    const { failed, versions, sent } = answers.get(node) ?? {};
    assert.deepEqual([failed, [...(versions?.keys() ?? [])]], [0, [GOOD.configuration.mark]], node);
    assert.ok((sent ?? 0) > 0, node);
  }
  for (const node of touched) {
    // What Envoy refused it shows in its dump all the same, though it runs what it had.
    if (outcome.reason?.kind === "Rejected" || outcome.reason?.kind === "NotFetched") continue;
    assert.equal(after.get(node)?.content, before.get(node)?.content, `${node} has not what it had`);
  }
  for (const [node, port] of fleet.ports) {
    assert.equal((await get(port, "/")).headers["x-version"], GOOD.configuration.mark, node);
  }
}
