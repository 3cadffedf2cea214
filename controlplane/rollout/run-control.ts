import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { Evidence } from "./evidence.ts";
import type { Translation } from "../translate/index.ts";
import { listenersOf } from "./coverage.ts";
import { decide } from "./decide.ts";
import { FleetView } from "./fleet-view.ts";
import { RunPreCheck } from "./pre-check.ts";
import type { Run, RunEvent } from "./run.ts";
import type { Version } from "./version.ts";
import type { TrailPoint } from "./trail.ts";
import { Watch } from "./watch.ts";
import { isOpen } from "./windows.ts";

/** What a control plane has in memory of a run under way: what it saw and measured. */
export class RunControl {
  readonly number: number;
  readonly view: FleetView;
  readonly preCheck = new RunPreCheck();
  readonly #watch: Watch;
  readonly #versions: readonly Version[];

  /** @param versions the old and the new one. */
  constructor(
    run: Run,
    versions: readonly Version[],
    { fleet, stats }: { readonly fleet: Fleet; readonly stats: NodeStats },
    now: number,
  ) {
    this.number = run.number;
    this.view = new FleetView(fleet, stats);
    this.#versions = versions;
    this.#watch = new Watch(run.spec, listenersOf(versions), stats, now);
  }

  get evidence(): Evidence {
    return this.#watch.evidence;
  }

  get trail(): readonly TrailPoint[] {
    return this.#watch.trail;
  }

  /** Looks at the fleet, measures, and says what is to happen. */
  decide(
    run: Run,
    { old, fresh }: { readonly old: Translation; readonly fresh: Translation },
    { frozen, hadTime }: { readonly frozen: boolean; readonly hadTime: boolean },
    now: number,
  ): readonly RunEvent[] {
    const sidecars = this.view.sidecars(old.sidecars, this.#versions);
    const states = this.view.states(run, old, fresh, now);
    this.#watch.measure(
      sidecars
        .filter(({ node }) => states.get(node)?.connected === true)
        .map(({ node, service }) => ({
          node,
          service,
          admittedAt: run.admitted.get(node),
          runningSince: this.view.runningSince(node),
        })),
      now,
    );
    // Once all are connected, there is nobody left to wait for.
    const settled = hadTime || sidecars.every(({ node }) => states.get(node)?.connected === true);
    const open = isOpen(run.spec.windows, now);
    const seen = { sidecars, states, verdict: this.#watch.verdict(), settled, open, frozen };
    const events = decide(run, seen, now);
    if (events.some(({ type }) => type === "WaveStarted")) this.#watch.nextWave();
    return events;
  }
}
