import type { Evidence } from "../../../controlplane/rollout/index.ts";
import type { RolloutReport, RunReport } from "../../../controlplane/api/index.ts";
import { formatRollout } from "../../../controlplane/cli/rollout/format.ts";
import { until } from "../until.ts";
import type { Filter, RolloutFleet } from "./fleet.ts";
import { heldBy, type Held } from "./proof.ts";
import { Traffic, type Answers } from "./traffic.ts";

/** How a rollout went, as its sidecars and their clients saw it. */
export interface Outcome {
  readonly phase: string;
  readonly reason: RunReport["reason"];
  readonly evidence: Evidence | null;
  /** Sidecars that were given the new version, and the others. */
  readonly touched: readonly string[];
  readonly others: readonly string[];
  readonly answers: ReadonlyMap<string, Answers>;
  /** What `meshwright rollout status` says then. */
  readonly status: readonly string[];
  readonly before: ReadonlyMap<string, Held>;
  readonly after: ReadonlyMap<string, Held>;
  /** From the first sidecar that was given it until the run was over, or was to go back, in milliseconds. */
  readonly judgedAfterMs: number;
  /** From then until the last answer by it; undefined where nothing was undone. */
  readonly goneAfterMs: number | undefined;
  /** From then until all were proven to be back; undefined where nothing was undone. */
  readonly undoneAfterMs: number | undefined;
}

/** Ships a filter under traffic and waits until its run is over. What happens meanwhile is up to `meanwhile`. */
export async function ship(
  fleet: RolloutFleet,
  filter: Filter,
  meanwhile: (traffic: Traffic) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> {
  const number = ((await fleet.report()).run?.number ?? 0) + 1;
  const before = await heldBy(fleet);
  const traffic = new Traffic(fleet.ports);
  try {
    await fleet.ship(filter);
    await meanwhile(traffic);
    const report = await over(fleet, number);
    const answers = await traffic.stop();
    const outcome = await outcomeOf(fleet, report, filter, answers);
    return { ...outcome, answers, status: formatRollout(report), before, after: await heldBy(fleet) };
  } finally {
    await traffic.stop();
  }
}

/** Waits until a run is over. */
export async function over(fleet: RolloutFleet, number: number, rollout?: string): Promise<RolloutReport> {
  let report: RolloutReport | undefined;
  await until(async () => {
    report = await fleet.report(rollout).catch(() => undefined);
    return report?.run?.number === number && report.run.endedAt !== null;
  }, 120_000);
  if (report === undefined) throw new Error("no report");
  return report;
}

async function outcomeOf(
  fleet: RolloutFleet,
  { run }: RolloutReport,
  { configuration: { mark } }: Filter,
  answers: ReadonlyMap<string, Answers>,
): Promise<Omit<Outcome, "answers" | "status" | "before" | "after">> {
  if (run === null) throw new Error("there was no run");
  const touched = run.sidecars.filter(({ wave }) => wave !== null).map(({ node }) => node);
  const { events } = await fleet.history();
  // The log has no numbers of runs.
  const ofRun = events.slice(events.findLastIndex(({ type }) => type === "Started"));
  const at = (type: string): number | undefined => {
    const event = ofRun.find((one) => one.type === type);
    return event && Date.parse(event.at);
  };
  const admitted = at("Admitted") ?? NaN;
  const back = at("RollingBack");
  const ended = Date.parse(run.endedAt ?? "");
  return {
    ...{ phase: run.phase, reason: run.reason, evidence: run.evidence, touched },
    others: fleet.nodes.filter((node) => !touched.includes(node)),
    goneAfterMs: back && Math.max(0, ...[...answers.values()].map(({ lastAt }) => (lastAt.get(mark) ?? back) - back)),
    judgedAfterMs: (back ?? ended) - admitted,
    undoneAfterMs: back === undefined ? undefined : ended - back,
  };
}
