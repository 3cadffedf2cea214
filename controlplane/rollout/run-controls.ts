import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { ModuleRef } from "../translate/index.ts";
import { FleetView } from "./fleet-view.ts";
import type { Peers } from "./peers.ts";
import type { Plan } from "./plan.ts";
import { activeRun, intentOf } from "./record.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Run } from "./run.ts";
import { RunControl } from "./run-control.ts";
import type { Serving } from "./serving.ts";
import type { Version } from "./version.ts";

/** A run of which something is in memory. */
export interface ControlledRun {
  readonly run: Run;
  readonly control: RunControl;
}

/** What a control plane has in memory of the Rollouts: of the latest run of each what it saw and measured, and of the others what it sees of the fleet. */
export class RunControls {
  readonly #seen: { readonly fleet: Fleet; readonly stats: NodeStats; readonly peers: Peers };
  readonly #runs = new Map<string, RunControl>();
  /** Where no run of this process is. */
  readonly #idleViews = new Map<string, FleetView>();

  constructor(fleet: Fleet, stats: NodeStats, peers: Peers) {
    this.#seen = { fleet, stats, peers };
  }

  /** That of a run, begun when it is first asked for. */
  begun(run: Run, versions: readonly Version[], now: number): RunControl {
    const known = this.known(run);
    if (known !== undefined) return known;
    const control = new RunControl(run, versions, this.#seen, now);
    this.#runs.set(run.rollout, control);
    return control;
  }

  /** That of a run; undefined where this process has not looked at it. */
  known(run: Run | undefined): RunControl | undefined {
    const control = run && this.#runs.get(run.rollout);
    return control?.number === run?.number ? control : undefined;
  }

  /** The latest runs of these plans, as far as something is known of them. */
  latest<Module extends ModuleRef>(plans: Iterable<Plan>, serving: Serving<Module>): readonly ControlledRun[] {
    return [...plans].flatMap((plan) => {
      const { run } = serving.recordOf(plan);
      const control = this.known(run);
      return run === undefined || control === undefined ? [] : [{ run, control }];
    });
  }

  startLeading(): void {
    for (const control of this.#runs.values()) control.startLeading();
  }

  /** The views of the runs that have given a sidecar the new version. */
  viewsAbout(node: string, runOf: (rollout: string) => Run | undefined): readonly FleetView[] {
    return [...this.#runs].flatMap(([rollout, { view }]) =>
      runOf(rollout)?.admitted.has(node) === true ? [view] : [],
    );
  }

  idleView(rollout: string): FleetView {
    let view = this.#idleViews.get(rollout);
    if (view === undefined) {
      const { fleet, stats, peers } = this.#seen;
      this.#idleViews.set(rollout, (view = new FleetView(fleet, stats, peers)));
    }
    return view;
  }

  /** All that is known of a Rollout; undefined before anything is served. @param blocked why a run that is to start has not. */
  view<Module extends ModuleRef>(
    plan: Plan,
    serving: Serving<Module>,
    blocked: string | undefined,
    now: number,
  ): RolloutView | undefined {
    const { served } = serving;
    if (served === undefined) return undefined;
    const { translation } = served.base;
    const rollout = plan.rollout.metadata.name;
    const record = serving.recordOf(plan);
    const control = this.known(record.run);
    const view = control?.view ?? this.idleView(rollout);
    const active = activeRun(record);
    const fresh = served.candidate(rollout)?.translation;
    const states =
      active === undefined || fresh === undefined
        ? view.connections()
        : (control?.statesOf(active) ?? view.states(active, translation, fresh, now));
    return {
      ...{ plan, record, blocked, states },
      intent: intentOf(record, plan.desired.id, plan.rollout.spec.start),
      sidecars: view.sidecars(translation.sidecars, [plan.stable, plan.to ?? plan.desired]),
      evidence: control?.evidence,
      trail: control?.trail ?? [],
    };
  }
}
