import type { Fleet, NodeStats } from "../fleet/index.ts";
import type { Translation } from "../translate/index.ts";
import { isFirstFilter, listenersOf } from "./coverage.ts";
import { decide } from "./decide.ts";
import type { Evidence } from "./evidence.ts";
import { FleetView } from "./fleet-view.ts";
import type { SidecarState } from "./observation.ts";
import { ALONE, type LeadReport, type Peers, type RunReport } from "./peers.ts";
import { RunPreCheck } from "./pre-check.ts";
import { postedRun, type PostedRun } from "./report.ts";
import type { Run, RunEvent } from "./run.ts";
import { mergeBackdrops, withoutMinutes, type Sample } from "./sample.ts";
import { firstAdmitted, Sampler, type MeasuredFleet } from "./sampler.ts";
import { RECENT, Samples } from "./samples.ts";
import type { Sidecar } from "./sidecars.ts";
import { Trail, type TrailPoint } from "./trail.ts";
import type { Version } from "./version.ts";
import { Watch } from "./watch.ts";
import { isOpen } from "./windows.ts";

/** What the sidecars are served without the new version, and with it. */
export interface Translations {
  readonly old: Translation;
  readonly fresh: Translation;
}

/** What was seen of the fleet at one moment. */
interface Sight {
  readonly run: Run;
  readonly sidecars: readonly Sidecar[];
  readonly states: ReadonlyMap<string, SidecarState>;
}

/** What a control plane has in memory of a run under way: what it saw and measured. */
export class RunControl {
  readonly number: number;
  readonly view: FleetView;
  readonly preCheck = new RunPreCheck();
  readonly #spec: Run["spec"];
  readonly #versions: readonly Version[];
  readonly #peers: Peers;
  readonly #sampler: Sampler;
  #recent: readonly Sample[] = [];
  #samples: Samples;
  #watch: Watch;
  #measuredTo = 0;
  /** What was seen last. */
  #sight: Sight | undefined;
  /** What another tells that leads. */
  readonly #theirTrail = new Trail();
  #theirs: LeadReport | undefined;

  /** @param versions the old and the new one. */
  constructor(
    run: Run,
    versions: readonly Version[],
    { fleet, stats, peers = ALONE }: { readonly fleet: Fleet; readonly stats: NodeStats; readonly peers?: Peers },
    now: number,
  ) {
    this.number = run.number;
    this.view = new FleetView(fleet, stats, peers);
    this.#spec = run.spec;
    this.#versions = versions;
    this.#peers = peers;
    this.#sampler = new Sampler(run.spec, listenersOf(versions), stats, now);
    this.#samples = new Samples(0);
    this.#watch = this.#newWatch();
  }

  get evidence(): Evidence {
    return this.#theirs?.evidence ?? this.#watch.evidence;
  }

  get trail(): readonly TrailPoint[] {
    return this.#theirs === undefined ? this.#watch.trail : this.#theirTrail.points;
  }

  /** What the others are told, where this control plane leads. */
  get lead(): LeadReport {
    return { run: this.number, to: this.#measuredTo, evidence: this.#watch.evidence };
  }

  /** What the others are told of the sidecars that are connected here. */
  posted(run: Run): PostedRun {
    return postedRun(run, this.view.here, this.#report);
  }

  /** This control plane leads from now on: it judges by what is measured from now on. */
  startLeading(): void {
    this.#watch = this.#newWatch();
    this.#samples = new Samples(this.#recent.at(-1)?.to ?? 0);
    this.#theirs = undefined;
  }

  /** Looks at the fleet, and measures the sidecars that are connected here. */
  async look(run: Run, { old, fresh }: Translations, now: number): Promise<Sight> {
    const states = await this.view.statesInSlices(run, old, fresh, now);
    const sidecars = this.view.sidecars(old.sidecars, this.#versions);
    this.#sight = { run, sidecars, states };
    if (this.#sampler.isDue(now)) {
      const sample = await this.#sampler.take(this.#measured(this.#sight), now);
      this.#recent = [...this.#recent, sample].slice(-RECENT);
    }
    return this.#sight;
  }

  /** The states of sidecars as they were seen last; undefined where something has happened to the run since. */
  statesOf(run: Run): Sight["states"] | undefined {
    return this.#sight?.run === run ? this.#sight.states : undefined;
  }

  #measured({ run, sidecars, states }: Sight): MeasuredFleet {
    const all = sidecars
      .filter(({ node }) => states.get(node)?.connected === true)
      .map(({ node, service }) => ({
        node,
        service,
        admittedAt: run.admitted.get(node),
        runningSince: this.view.runningSince(node),
      }));
    return { here: all.filter(({ node }) => this.view.isHere(node)), firstAt: firstAdmitted(all) };
  }

  /** Hears what the one that leads tells. */
  follow(run: Run): void {
    const theirs = this.#peers.lead(run);
    if (theirs === undefined || theirs.to === this.#theirs?.to) return;
    this.#theirs = theirs;
    this.#theirTrail.add(theirs.to, theirs.evidence);
  }

  /** Says what is to happen, where this control plane leads. */
  decide(
    run: Run,
    { sidecars, states }: Sight,
    { frozen, hadTime }: { readonly frozen: boolean; readonly hadTime: boolean },
    now: number,
  ): readonly RunEvent[] {
    this.#measure(run);
    // Once all are connected, there is nobody left to wait for.
    const settled = hadTime || sidecars.every(({ node }) => states.get(node)?.connected === true);
    const open = isOpen(run.spec.windows, now);
    const seen = { sidecars, states, verdict: this.#watch.verdict(), settled, open, frozen };
    const events = decide(run, seen, now);
    if (events.some(({ type }) => type === "WaveStarted")) this.#watch.nextWave();
    return events;
  }

  #measure(run: Run): void {
    const reports = this.#peers.reports(run);
    const samples = this.#samples.next(
      this.#recent,
      reports.map(({ samples }) => samples),
    );
    if (samples.length === 0) return;
    const backdrop = mergeBackdrops([this.#sampler.backdrop, ...reports.map(({ backdrop }) => backdrop)]);
    for (const sample of samples) {
      this.#watch.add(sample, backdrop);
      this.#measuredTo = sample.to;
    }
  }

  #newWatch(): Watch {
    return new Watch(this.#spec, listenersOf(this.#versions), isFirstFilter(this.#versions));
  }

  get #report(): RunReport {
    return { samples: this.#recent, backdrop: withoutMinutes(this.#sampler.backdrop) };
  }
}
