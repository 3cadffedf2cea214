import { setTimeout as sleep } from "node:timers/promises";
import type { RolloutReport } from "../../api/index.ts";
import { NoAnswerError, query, type Connection } from "../ask.ts";
import { InputError } from "../../explain/input-error.ts";

/** How often a command that waits asks. */
export const EVERY_MS = 500;
/** How long a fault stands until it counts: a folder that is synchronized file by file can be faulty in between. */
const FAULT_MS = 2_000;
/** How long a control plane may be away meanwhile, such as while it is started again. */
const PATIENCE_MS = 120_000;

/** What is waited for. */
export interface Wanted {
  /** What the source said before the change (`source` of a report, or its `desired`): nothing that is about that counts. */
  readonly after?: string;
  /** What the source said when it was first looked at since. */
  readonly version?: string;
}

/** How it stands with what is waited for. `reason` is one sentence. */
export type Standing =
  | { readonly kind: "waiting"; readonly wanted: Wanted; readonly text: string }
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly wanted: Wanted; readonly text: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Whether all sidecars have what the source says of a Rollout's targets, will come to have it, or will not. */
export function standingOf(report: RolloutReport, wanted: Wanted): Standing {
  const { name, state, why, stable, desired, source, refused, run } = report;
  if (source === wanted.after) {
    const faults = refused.length === 0 ? "" : ", and is as faulty as it was";
    return { kind: "waiting", wanted, text: `the source says what it said before${faults}` };
  }
  // Once a version has come it is what is waited for, whatever is refused after it.
  if (wanted.version === undefined && refused.length > 0) {
    return { kind: "refused", wanted, text: "what the source says is refused as faulty" };
  }
  const { version = desired } = wanted;
  if (version !== desired) return { kind: "failed", reason: "superseded: the source says something else by now" };
  const on = { ...wanted, version };
  const isOver = run === null || run.endedAt !== null;
  if (isOver && stable === version) return { kind: "done" };
  if (state === "Held") {
    if (run?.phase !== "RolledBack" || run.to !== version)
      return { kind: "failed", reason: `${why ?? "it is held"}: meshwright rollout start ${name} --wait` };
    return { kind: "failed", reason: `rolled back (${run.reason?.title ?? "?"}): ${run.reason?.message ?? "?"}` };
  }
  if (isOver) return { kind: "waiting", wanted: on, text: why ?? "a run is about to start" };
  const wave = run.waves.findLast(({ state: one }) => one !== "Pending");
  const where =
    wave === undefined ? "before its first wave" : `wave ${wave.number} of ${run.waves.length}: ${wave.state}`;
  const waits = run.waitsFor === null ? "" : `, waits: ${run.waitsFor}`;
  return { kind: "waiting", wanted: on, text: `run ${run.number} ${run.phase}, ${where}${waits}` };
}

/** How waiting ended. */
export interface Ending {
  readonly report: RolloutReport;
  /** Why not all sidecars will have it, or did not in time; absent where they have it. */
  readonly reason?: string;
  /** What is wrong with it, one line a problem, where the control plane refused it as faulty. */
  readonly faults?: readonly string[];
}

/**
 * Waits until all sidecars have what the source says of a Rollout's targets, or will not come to have it.
 * @param tell is called with each new text on where it stands.
 */
export async function waitFor(
  name: string,
  { after, timeoutMs }: { readonly after?: string; readonly timeoutMs: number },
  connection: Connection,
  tell: (text: string) => void,
): Promise<Ending> {
  const end = Date.now() + timeoutMs;
  let wanted: Wanted = after === undefined ? {} : { after };
  let last = "";
  let faultySince = Infinity;
  for (;;) {
    const report = await patiently(name, connection);
    const standing = standingOf(report, wanted);
    if (standing.kind === "done") return { report };
    if (standing.kind === "failed") return { report, reason: standing.reason };
    wanted = standing.wanted;
    faultySince = standing.kind === "refused" ? Math.min(faultySince, Date.now()) : Infinity;
    if (Date.now() - faultySince >= FAULT_MS) return { report, reason: standing.text, faults: report.refused };
    if (standing.text !== last) tell((last = standing.text));
    if (Date.now() >= end) return { report, reason: `not over in time: ${last}` };
    await sleep(EVERY_MS);
  }
}

/** Asks until there is an answer: a run goes on where it was when its control plane is started again, and so does who waits for it. */
export async function patiently(name: string, connection: Connection): Promise<RolloutReport> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return (await query(connection, pathOf(name))) as RolloutReport;
    } catch (error) {
      const isAway = error instanceof NoAnswerError && error.refusal === undefined;
      if (!isAway || Date.now() >= end) throw error;
      await sleep(EVERY_MS);
    }
  }
}

/** @returns milliseconds. @throws InputError */
export function timeoutOf(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  if (amount === undefined)
    throw new InputError(`--timeout: expected a duration such as 90s, 30m or 2h, found ${text}`);
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as "s" | "m" | "h"];
}

export function pathOf(name: string): string {
  return `/api/v1/rollouts/${encodeURIComponent(name)}`;
}
