import { type Fleet, type NodeStats, runningFilters } from "../fleet/index.ts";
import type { SidecarPlace, Translation } from "../translate/index.ts";
import type { NodeInfo } from "../xds/index.ts";
import { covers, sidecarOf } from "./coverage.ts";
import { fetchFault } from "./module-fetch.ts";
import type { SidecarState } from "./observation.ts";
import { stateOf } from "./progress.ts";
import { type Run, versionFor } from "./run.ts";
import type { Sidecar } from "./sidecars.ts";
import type { Version } from "./version.ts";

/** How often a sidecar that runs what it is to run is looked at again, if nothing was heard of it. */
const AGAIN_MS = 10_000;

const RUNNING: SidecarState = { connected: true, since: 0, progress: "Running" };

type ViewedStats = Pick<NodeStats, "of" | "figures" | "windowMs">;

/** What a run sees of the fleet. Looks at a sidecar only when it may have changed. */
export class FleetView {
  readonly #fleet: Pick<Fleet, "connectedNodes" | "node">;
  readonly #stats: ViewedStats;
  /** The last look at each sidecar that was given the new version. */
  readonly #looks = new Map<string, { readonly at: number; readonly version: string; readonly state: SidecarState }>();
  /** Since when a sidecar is known to run the new version. */
  readonly #runningSince = new Map<string, number>();

  constructor(fleet: Pick<Fleet, "connectedNodes" | "node">, stats: ViewedStats) {
    this.#fleet = fleet;
    this.#stats = stats;
  }

  /** Something happened to this node. */
  forget(node: string): void {
    this.#looks.delete(node);
  }

  /** Since when a sidecar is known to run the new version. */
  runningSince(node: string): number | undefined {
    return this.#runningSince.get(node);
  }

  /** All sidecars for which the versions differ. */
  sidecars(places: Iterable<SidecarPlace>, versions: readonly Version[]): Sidecar[] {
    const infos = new Map<string, NodeInfo>();
    for (const info of this.#fleet.connectedNodes()) infos.set(info.id, info);
    const sidecars: Sidecar[] = [];
    for (const place of places) {
      if (covers(versions, place)) sidecars.push(sidecarOf(place, infos.get(place.sidecar.node), versions));
    }
    return sidecars;
  }

  /** The sidecars that are connected. */
  connections(): Map<string, SidecarState> {
    return new Map(this.#fleet.connectedNodes().map(({ id }) => [id, RUNNING]));
  }

  /**
   * The state of each sidecar: of those who were given the new version as far as they are with what they are to have now; of the others only whether they
   * are connected.
   */
  states(run: Run, old: Translation, fresh: Translation, now: number): Map<string, SidecarState> {
    const states = this.connections();
    for (const node of run.admitted.keys()) {
      const state = this.#look(node, run, old, fresh, now);
      if (state === undefined) states.delete(node);
      else states.set(node, state);
    }
    return states;
  }

  #look(node: string, run: Run, old: Translation, fresh: Translation, now: number): SidecarState | undefined {
    const version = versionFor(run, node);
    const last = this.#looks.get(node);
    if (last?.version === version && last.state.progress === "Running" && now - last.at < AGAIN_MS) return last.state;
    const view = this.#fleet.node(node);
    if (view === undefined) return undefined;
    const [wanted, other] = version === run.to ? [fresh, old] : [old, fresh];
    const snapshot = wanted.snapshotFor(view.node).snapshot;
    const otherSnapshot = other.snapshotFor(view.node).snapshot;
    if (snapshot === undefined || otherSnapshot === undefined) return undefined;
    const loaded = runningFilters(view, this.#stats.of(node), now);
    const state = this.#withFetch(node, run, stateOf(view, snapshot, otherSnapshot, loaded), now);
    this.#looks.set(node, { at: now, version, state });
    if (state.progress !== "Running" || version !== run.to) this.#runningSince.delete(node);
    else if (!this.#runningSince.has(node)) this.#runningSince.set(node, now);
    return state;
  }

  #withFetch(node: string, run: Run, state: SidecarState, now: number): SidecarState {
    if (state.progress !== "Rejected" && state.progress !== "Behind") return state;
    // From the beginning of the window in which it was given the module.
    const { windowMs } = this.#stats;
    const from = Math.floor((run.admitted.get(node) ?? now) / windowMs) * windowMs - 1;
    const fetch = fetchFault(this.#stats.figures([node], from, now));
    return fetch === undefined ? state : { ...state, fetch };
  }
}
