import type { Fleet } from "../fleet/index.ts";
import type { Plan } from "./plan.ts";
import type { Replication } from "./replication.ts";
import { hasEnded } from "./run.ts";
import type { ControlledRun } from "./run-controls.ts";

/** How often others are told at most, in milliseconds, if nothing is urgent. */
const PAUSE_MS = 500;

/** What there is to tell. */
export interface Told {
  readonly fleet: Fleet;
  readonly plans: Iterable<Plan>;
  /** The latest runs of which something is in memory. */
  readonly runs: readonly ControlledRun[];
  /** Why runs do not start, where this control plane leads; undefined where it does not. */
  readonly blocked: ReadonlyMap<string, string> | undefined;
}

/** Tells the other control planes on the same store what this one sees. */
export class Telling {
  readonly #replication: Replication;
  readonly #pauseMs: number;
  #at = -Infinity;
  #isUrgent = false;

  /** @param tickMs how often runs are looked at. */
  constructor(replication: Replication, tickMs = 2 * PAUSE_MS) {
    this.#replication = replication;
    this.#pauseMs = Math.min(PAUSE_MS, tickMs / 2);
  }

  /** What is told next is told at once. */
  hurry(): void {
    this.#isUrgent = true;
  }

  tell({ fleet, plans, runs, blocked }: Told, now: number): void {
    if (now - this.#at < this.#pauseMs && !this.#isUrgent) return;
    this.#at = now;
    this.#isUrgent = false;
    const specs = [...Array.from(plans, ({ rollout }) => rollout.spec), ...runs.map(({ run }) => run.spec)];
    const waves = specs.flatMap((spec) => spec.waves);
    const labels = new Set(waves.flatMap(({ selector }) => Object.keys(selector?.labels ?? {})));
    const { reporter } = this.#replication;
    reporter.nodes(fleet, labels);
    reporter.runs(runs.filter(({ run }) => !hasEnded(run)).map(({ run, control }) => control.posted(run)));
    const leads = runs.map(({ run, control }) => [run.rollout, control.lead] as const);
    reporter.lead(blocked && { runs: leads, blocked });
  }
}
