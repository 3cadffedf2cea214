import type { NoticeChanges } from "../store/index.ts";
import type { NodeInfo } from "../xds/index.ts";
import type { SidecarState } from "./observation.ts";
import { mergeStates, type LeadReport, type Peers, type RunReport } from "./peers.ts";
import { nodeOf, statesOf, unpack, type NodeRow, type PostedLead, type PostedRun } from "./report.ts";
import type { Run } from "./run.ts";

interface Peer {
  readonly nodes: Map<string, ReadonlyMap<string, NodeInfo>>;
  readonly runs: Map<string, PostedRun>;
  lead: PostedLead | undefined;
}

/** What the other control planes on the same store have posted. */
export class PeerReports implements Peers {
  readonly #self: string;
  readonly #peers = new Map<string, Peer>();
  /** What was read out of the reports of a run, for one state of the run. */
  #read: { readonly run: Run; readonly revision: number; readonly states: Map<string, SidecarState>[] } | undefined;
  #nodesRevision = 0;
  #revision = 0;

  /** @param self the name of this control plane, whose own notices are not looked at. */
  constructor(self: string) {
    this.#self = self;
  }

  /** Takes what is posted, by `CONTROL-PLANE/WHAT`. */
  take(changes: NoticeChanges): void {
    for (const [name, value] of changes) {
      const [id = "", ...rest] = name.split("/");
      if (id !== this.#self) this.#take(id, rest.join("/"), value);
    }
    for (const [id, { nodes, runs, lead }] of this.#peers) {
      if (nodes.size === 0 && runs.size === 0 && lead === undefined) this.#peers.delete(id);
    }
    this.#revision++;
  }

  get exist(): boolean {
    return this.#peers.size > 0;
  }

  get revision(): number {
    return this.#nodesRevision;
  }

  *nodes(): Iterable<NodeInfo> {
    for (const { nodes } of this.#peers.values()) for (const shard of nodes.values()) yield* shard.values();
  }

  state(run: Run, node: string): SidecarState | undefined {
    let state: SidecarState | undefined;
    for (const [index, { nodes }] of [...this.#peers.values()].entries()) {
      const told = this.#statesOf(run)[index]?.get(node);
      // It is connected there, and what it is to have is not known there yet.
      const isNew = told === undefined && [...nodes.values()].some((shard) => shard.has(node));
      const one: SidecarState | undefined = isNew ? { connected: true, since: 0, progress: "Behind" } : told;
      state = mergeStates(state, one, Infinity);
    }
    return state;
  }

  reports(run: Run): readonly RunReport[] {
    return [...this.#peers.values()].flatMap(({ runs }) =>
      [...runs.values()].filter((posted) => isOf(posted, run)).map(({ report }) => report),
    );
  }

  lead(run: Run): LeadReport | undefined {
    for (const { lead } of this.#peers.values()) {
      const found = lead?.runs.find(([rollout, { run: number }]) => rollout === run.rollout && number === run.number);
      if (found !== undefined) return found[1];
    }
    return undefined;
  }

  blocked(rollout: string): string | undefined {
    for (const { lead } of this.#peers.values()) {
      const found = lead?.blocked.find(([name]) => name === rollout);
      if (found !== undefined) return found[1];
    }
    return undefined;
  }

  #statesOf(run: Run): readonly ReadonlyMap<string, SidecarState>[] {
    if (this.#read?.run === run && this.#read.revision === this.#revision) return this.#read.states;
    const states = [...this.#peers.values()].map(({ runs }) => {
      const posted = [...runs.values()].find((one) => isOf(one, run));
      return posted === undefined ? new Map<string, SidecarState>() : statesOf(run, posted);
    });
    this.#read = { run, revision: this.#revision, states };
    return states;
  }

  #take(id: string, what: string, value: Uint8Array | undefined): void {
    const peer = this.#peers.get(id) ?? { nodes: new Map(), runs: new Map(), lead: undefined };
    this.#peers.set(id, peer);
    if (what.startsWith("nodes/")) {
      this.#nodesRevision++;
      if (value === undefined) peer.nodes.delete(what);
      else {
        const nodes = (unpack(value) as readonly NodeRow[]).map(nodeOf);
        peer.nodes.set(what, new Map(nodes.map((info) => [info.id, info])));
      }
    } else if (what === "lead") peer.lead = value && (unpack(value) as PostedLead);
    else if (value === undefined) peer.runs.delete(what);
    else peer.runs.set(what, unpack(value) as PostedRun);
  }
}

function isOf({ rollout, number }: PostedRun, run: Run): boolean {
  return rollout === run.rollout && number === run.number;
}
