import { rolloutsReport, sidecarReports, type RolloutReport } from "../api/index.ts";
import { formatProblem, resourcesOf } from "../model/index.ts";
import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { HeldResource } from "../isolate/index.ts";
import { describe, type RolloutView, type RunEvent } from "../rollout/index.ts";
import type { FilterStatus, RolloutStatus, Source, SourceStatus } from "../source/index.ts";
import { Debouncer } from "../source/debounce.ts";
import type { FollowedSource } from "./followed-source.ts";
import type { Release } from "./pipeline.ts";

/** How often what sidecars make of it is looked at, in milliseconds; less often where that takes more than a twentieth of the time. */
const INTERVAL_MS = 2_000;
const SHARE = 20;

/** What there is to tell. */
export interface Told {
  /** Whether it is this control plane that tells, of several on one store: the one that leads. */
  readonly leads: boolean;
  readonly followed: Pick<FollowedSource, "desired" | "refused" | "held" | "appliedAt">;
  readonly release: Release | undefined;
  readonly views: readonly RolloutView[];
  readonly fleet: Pick<Fleet, "nodes">;
  readonly stats: Pick<NodeStats, "of" | "figures">;
}

/** Tells a source what became of what it says, if it wants to hear it. */
export class SourceTeller {
  readonly #source: Source;
  readonly #told: () => Told;
  readonly #soon: Debouncer;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #hasTold = false;

  constructor(source: Source, told: () => Told) {
    this.#source = source;
    this.#told = told;
    this.#soon = new Debouncer(() => this.#tell(), 50, 500);
    if (source.status !== undefined) this.#tellIn(INTERVAL_MS);
  }

  /** Something has changed. */
  changed(): void {
    if (this.#source.status !== undefined) this.#soon.trigger();
  }

  /** Something happened to a Rollout. */
  rolloutEvents(rollout: string, events: readonly RunEvent[]): void {
    for (const event of this.#told().leads ? events : []) {
      const isWarning = event.type === "RollingBack" || event.type === "Paused";
      this.#source.event?.({ resource: `Rollout ${rollout}`, isWarning, reason: event.type, message: describe(event) });
    }
    this.changed();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#soon.cancel();
  }

  #tellIn(ms: number): void {
    this.#timer = setTimeout(() => {
      const began = performance.now();
      this.#tell();
      if (!this.#isStopped) this.#tellIn(Math.max(INTERVAL_MS, SHARE * (performance.now() - began)));
    }, ms).unref();
  }

  #tell(): void {
    const told = this.#told();
    if (told.leads) this.#source.status?.(statusOf(told));
    else if (this.#hasTold) this.#source.status?.(undefined);
    this.#hasTold = told.leads;
  }
}

/** What became of a source. */
export function statusOf(told: Told): SourceStatus {
  const { followed, release } = told;
  const { desired, held } = followed;
  const served = new Set(
    desired === undefined ? [] : resourcesOf(desired.model).map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  );
  return {
    problems: followed.refused,
    kept: reasons(held.kept),
    leftOut: reasons(held.leftOut),
    served,
    modules: new Map([...(desired?.modules ?? [])].map(([name, { sha256 }]) => [name, sha256])),
    filters: filtersOf({ ...told, ...followed, release, refused: followed.refused }),
    rollouts: new Map(rolloutsReport(told.views, followed).rollouts.map((report) => [report.name, rolloutOf(report)])),
  };
}

function reasons(held: readonly HeldResource[]): ReadonlyMap<string, string> {
  return new Map(
    held.map(({ resource, with: root, fault }) => {
      const why = fault === undefined ? "it is faulty" : formatProblem(fault);
      return [resource, root === undefined ? why : `it changes together with ${root}: ${why}`];
    }),
  );
}

function filtersOf(input: Parameters<typeof sidecarReports>[0]): ReadonlyMap<string, FilterStatus> {
  const filters = new Map<string, FilterStatus>();
  for (const { report, view } of sidecarReports(input, Date.now(), false)) {
    if (view?.connected !== true) continue;
    for (const { policy, running } of report.filters) {
      const rejection = report.rejections.find(({ resource }) => resource === policy);
      const isFaulty = rejection !== undefined || running === "failed";
      const fault = rejection?.message ?? `it does not run in ${report.node}`;
      const before = filters.get(policy) ?? { sidecars: 0, running: 0, faulty: 0 };
      filters.set(policy, {
        sidecars: before.sidecars + 1,
        running: before.running + (running === "loaded" && !isFaulty ? 1 : 0),
        faulty: before.faulty + (isFaulty ? 1 : 0),
        ...(before.fault !== undefined ? { fault: before.fault } : isFaulty ? { fault } : {}),
      });
    }
  }
  return filters;
}

function rolloutOf({ state, why, run, desired, targets }: RolloutReport): RolloutStatus {
  const isRunning = run !== null && run.endedAt === null;
  const wave = run?.waves.filter((one) => one.state !== "Pending").length ?? 0;
  const isUndone = run !== null && (run.phase === "RollingBack" || (run.phase === "RolledBack" && state === "Held"));
  return {
    ...{ phase: state, isRunning, isUndone },
    ...(why === null ? {} : { why }),
    ...(run === null ? {} : { wave: `${String(wave)}/${String(run.waves.length)}` }),
    version: desired,
    targets: targets.map(({ kind, name }) => `${kind} ${name}`),
  };
}
