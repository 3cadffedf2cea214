import assert from "node:assert/strict";
import type { RolloutReport } from "../../../controlplane/api/index.ts";
import { get } from "../http.ts";
import { until } from "../until.ts";
import type { RolloutFleet } from "./fleet.ts";

/** A state of a run in which the control plane is killed. */
export interface Moment {
  readonly name: string;
  readonly isNow: (report: RolloutReport) => boolean;
  /** The next wave needs somebody's approval. */
  readonly approve?: true;
}

const wave =
  (number: number, ...states: readonly string[]) =>
  (report: RolloutReport): boolean =>
    states.includes(report.run?.waves[number - 1]?.state ?? "");

export const moments = {
  firstSent: { name: "the first wave is sent", isNow: wave(1, "Updating") },
  firstBakes: { name: "the first wave bakes", isNow: wave(1, "Baking") },
  gate: {
    name: "it waits for an approval",
    isNow: ({ run }: RolloutReport) => run?.waitsFor === "Approval",
    approve: true,
  },
  secondSent: { name: "the second wave is sent", isNow: wave(2, "Updating") },
  secondBakes: { name: "the second wave bakes", isNow: wave(2, "Baking") },
  lastSent: { name: "the last wave is sent", isNow: wave(3, "Updating") },
  lastBakes: { name: "the last wave bakes", isNow: wave(3, "Baking") },
  undoing: { name: "it is undone", isNow: ({ state }: RolloutReport) => state === "RollingBack" },
} satisfies Record<string, Moment>;

/** Waits for a moment of a run, kills the control plane as `kill -9` does, and starts it again. */
export async function killAt(fleet: RolloutFleet, run: number, { name, isNow, approve }: Moment): Promise<void> {
  await until(async () => {
    const report = await fleet.report();
    if (report.run?.number !== run) return false;
    assert.equal(report.run.endedAt, null, `the run was over before ${name}`);
    return isNow(report);
  }, 60_000);
  await fleet.mesh.controlPlane?.stop("SIGKILL");
  await fleet.mesh.startControlPlane();
  if (approve === undefined) return;
  const { status, body } = await get(fleet.mesh.httpPort, "/api/v1/rollouts/faulty/approve", { method: "POST" });
  assert.equal(status, 200, body);
}
