import { type Fleet, type NodeStats, type NodeView, runningFilters } from "../fleet/index.ts";
import type { SidecarPlace, Translation } from "../translate/index.ts";
import { Pace, type NodeInfo } from "../xds/index.ts";
import { covers, sidecarOf } from "./coverage.ts";
import { Fetches } from "./fetches.ts";
import { fetchCounts } from "./module-fetch.ts";
import { ALONE, mergeStates, type Peers } from "./peers.ts";
import type { SidecarState } from "./observation.ts";
import { stateOf } from "./progress.ts";
import { type Run, versionFor } from "./run.ts";
import type { Sidecar } from "./sidecars.ts";
import type { Version } from "./version.ts";

/** How often a sidecar that runs what it is to run is looked at again, if nothing was heard of it. */
const AGAIN_MS = 10_000;

type Places = ReadonlyMap<string, SidecarPlace>;

const RUNNING: SidecarState = { connected: true, since: 0, progress: "Running" };

type ViewedFleet = Pick<Fleet, "connectedNodes" | "isConnected" | "node" | "revision">;
type ViewedStats = Pick<NodeStats, "of" | "figures" | "windowMs" | "reportedAt">;

/** What sidecars are to have by a run, and what without it, at a time. */
type Look = [run: Run, old: Translation, fresh: Translation, now: number];

/** What was seen of a sidecar that was given the new version. */
interface Seen {
  /** When it is looked at again, if nothing was heard of it. */
  readonly until: number;
  /** When it had last reported. */
  readonly reportedAt: number | undefined;
  readonly version: string;
  readonly state: SidecarState;
}

/**
 * What a run sees of the fleet. Looks at a sidecar only when it may have changed, and gives the same list of sidecars as long as nothing about
 * them has.
 */
export class FleetView {
  readonly #fleet: ViewedFleet;
  readonly #stats: ViewedStats;
  readonly #peers: Peers;
  /** How far those who were given the new version are, of those who are or were connected to this control plane. */
  #here = new Map<string, SidecarState>();
  readonly #looks = new Map<string, Seen>();
  #count = 0;
  /** Since when a sidecar is known to run the new version. */
  readonly #runningSince = new Map<string, number>();
  /** What becomes of the modules of those that have not taken a version. */
  readonly #fetches = new Fetches();
  /** Of the fleet at a revision, and of what others tell. */
  #revision = "";
  #infos: ReadonlyMap<string, NodeInfo> = new Map();
  #connections: ReadonlyMap<string, SidecarState> = new Map();
  #sidecars:
    { readonly key: string; readonly places: Places; readonly infos: object; readonly all: Sidecar[] } | undefined;

  constructor(fleet: ViewedFleet, stats: ViewedStats, peers = ALONE) {
    this.#fleet = fleet;
    this.#stats = stats;
    this.#peers = peers;
  }

  /** What {@link states} saw last of those who were given the new version, without what other control planes see. */
  get here(): ReadonlyMap<string, SidecarState> {
    return this.#here;
  }

  /** Whether a sidecar is connected to this control plane. */
  isHere(node: string): boolean {
    return this.#fleet.isConnected(node);
  }

  /** Something happened to this node. */
  forget(node: string): void {
    this.#looks.delete(node);
  }

  /** A sidecar did not take a filter whose module it may not have had. */
  attempted(node: string, message: string, at: number): void {
    this.#fetches.attempted(node, message, at);
    this.forget(node);
  }

  /** Since when a sidecar is known to run the new version. */
  runningSince(node: string): number | undefined {
    return this.#runningSince.get(node);
  }

  /** All sidecars for which the versions differ. */
  sidecars(places: Places, versions: readonly Version[]): readonly Sidecar[] {
    this.#lookAtFleet();
    const key = versions.map(({ id }) => id).join();
    const last = this.#sidecars;
    if (last?.key === key && last.places === places && last.infos === this.#infos) return last.all;
    const all: Sidecar[] = [];
    for (const place of places.values()) {
      if (covers(versions, place)) all.push(sidecarOf(place, this.#infos.get(place.sidecar.node), versions));
    }
    this.#sidecars = { key, places, infos: this.#infos, all };
    return all;
  }

  /** The sidecars that are connected, to this control plane or to another. */
  connections(): ReadonlyMap<string, SidecarState> {
    this.#lookAtFleet();
    return this.#connections;
  }

  /**
   * The state of each sidecar: of those who were given the new version as far as they are with what they are to have now; of the others only whether they
   * are connected.
   */
  states(...look: Look): Map<string, SidecarState> {
    const steps = this.#states(...look);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** As {@link states}, with pauses for whatever else there is to do. */
  async statesInSlices(...look: Look): Promise<Map<string, SidecarState>> {
    const pace = new Pace();
    const steps = this.#states(...look);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (pace.isDue) await pace.rest();
    }
  }

  *#states(run: Run, old: Translation, fresh: Translation, now: number): Generator<void, Map<string, SidecarState>> {
    const states = new Map(this.connections());
    const seen = new Map<string, SidecarState>();
    for (const node of run.admitted.keys()) {
      const here = this.#look(node, run, old, fresh, now);
      if (here !== undefined) seen.set(node, here);
      const state = this.#peers.exist ? mergeStates(here, this.#peers.state(run, node), now) : here;
      if (state === undefined) states.delete(node);
      else states.set(node, state);
      yield;
    }
    this.#here = seen;
    return states;
  }

  #lookAtFleet(): void {
    const revision = `${this.#fleet.revision} ${this.#peers.revision}`;
    if (this.#revision === revision) return;
    this.#revision = revision;
    const nodes = [...this.#peers.nodes(), ...this.#fleet.connectedNodes()];
    this.#infos = new Map(nodes.map((info) => [info.id, info]));
    this.#connections = new Map(nodes.map(({ id }) => [id, RUNNING]));
  }

  #look(node: string, run: Run, old: Translation, fresh: Translation, now: number): SidecarState | undefined {
    const version = versionFor(run, node);
    const last = this.#looks.get(node);
    if (last !== undefined && this.#isYoung(last, node, version, now)) return last.state;
    const view = this.#fleet.node(node);
    if (view === undefined) return undefined;
    const [wanted, other] = version === run.to ? [fresh, old] : [old, fresh];
    const state = this.#withFetch(node, run, this.#stateOf(view, wanted, other, now), now);
    // Those that were given the version together are looked at again one after the other.
    const until = now + AGAIN_MS * (0.5 + (this.#count++ % 10) / 20);
    this.#looks.set(node, { until, reportedAt: this.#stats.reportedAt(node), version, state });
    if (state.progress !== "Running" || version !== run.to) this.#runningSince.delete(node);
    else if (!this.#runningSince.has(node)) this.#runningSince.set(node, now);
    return state;
  }

  #stateOf(view: NodeView, wanted: Translation, other: Translation, now: number): SidecarState {
    const { connected, since, node } = view;
    const [mine, theirs] = [wanted.snapshotFor(node), other.snapshotFor(node)];
    // It is there all the same: if it were taken to be away, another would get the new version in its place.
    if (mine.snapshot === undefined) return { connected, since, progress: "Behind", message: mine.reason };
    if (theirs.snapshot === undefined) return { connected, since, progress: "Behind", message: theirs.reason };
    return stateOf(view, mine.snapshot, theirs.snapshot, runningFilters(view, this.#stats.of(node.id), now));
  }

  #isYoung({ until, reportedAt, version, state }: Seen, node: string, to: string, now: number): boolean {
    if (version !== to || now >= until) return false;
    return state.progress === "Running" || reportedAt === this.#stats.reportedAt(node);
  }

  #withFetch(node: string, run: Run, state: SidecarState, now: number): SidecarState {
    if (state.progress !== "Rejected" && state.progress !== "Behind") return state;
    // From the beginning of the window in which it was given the module.
    const { windowMs } = this.#stats;
    const from = Math.floor((run.admitted.get(node) ?? now) / windowMs) * windowMs - 1;
    const counts = fetchCounts(this.#stats.figures([node], from, now));
    const found = this.#fetches.look(node, versionFor(run, node), counts, this.#stats.reportedAt(node), now);
    if (found === undefined) return state;
    if (found.kind === "refuses") return { ...state, progress: "Rejected", message: found.message };
    return { ...state, fetch: found.fault, ...(found.isOver ? { progress: "Rejected" as const } : {}) };
  }
}
