import assert from "node:assert/strict";
import { pino } from "pino";
import { Fleet, NodeStats } from "../../fleet/index.ts";
import { DurableRolloutStore } from "../durable-store.ts";
import { replayRecord, type RecordEvent, type RolloutRecord } from "../record.ts";
import { Replication } from "../replication.ts";
import { Rollouts } from "../rollouts.ts";
import { versionFor } from "../run.ts";
import type { Content } from "../version.ts";
import { MODULES, served, SETTINGS, WINDOW_MS, type Module } from "./mesh.ts";
import { SharedStore, type StoreClient } from "./shared-store.ts";
import { everSent, Sidecar, versionsOf, type Behaviour } from "./sidecar.ts";

// For tests: several control planes on one store, before one fleet, with one clock.

interface Replica {
  readonly client: StoreClient;
  readonly fleet: Fleet;
  readonly stats: NodeStats;
  readonly rollouts: Rollouts<Module>;
  /** What the source says, that this one has not taken over. */
  wanted: Content<Module> | undefined;
  isAlive: boolean;
}

export class Replicas {
  now = 1_700_000_000_000;
  readonly store = new SharedStore();
  readonly replicas: Replica[] = [];
  readonly sidecars = new Map<string, Sidecar>();
  readonly behaviours: Record<string, Behaviour> = {};
  /** Which of the replicas each sidecar is connected to. */
  readonly placeOf = new Map<string, number>();
  /** When sidecars that lost their control plane connect to another. */
  readonly #connectAt = new Map<string, number>();
  /** Sidecars that were sent what the log does not say. */
  readonly outside: string[] = [];
  #content: Content<Module>;

  private constructor(content: Content<Module>) {
    this.#content = content;
  }

  /** So many replicas that serve the same, to which ten sidecars are connected in turn. */
  static async serving(count: number, content: Content<Module>): Promise<Replicas> {
    const mesh = new Replicas(content);
    for (let i = 0; i < count; i++) await mesh.add();
    for (let i = 0; i < 10; i++) {
      const sidecar = new Sidecar(`n${i}`, mesh.behaviours);
      mesh.sidecars.set(sidecar.node.id, sidecar);
      mesh.connect(sidecar, i % count);
    }
    await mesh.pass(60);
    return mesh;
  }

  /** A new one, which knows nothing but what is in the store. */
  async add(): Promise<void> {
    const client = this.store.client();
    const fleet = new Fleet({ now: () => this.now });
    const stats = new NodeStats();
    const log = pino({ enabled: false });
    const replication = await Replication.join(client, `r${this.replicas.length}`, log);
    const index = this.replicas.length;
    const rollouts = await Rollouts.open<Module>({
      store: new DurableRolloutStore(client, {
        term: () => replication.term,
        shareModule: () => Promise.resolve(),
      }),
      ...{ replication, fleet, stats, settings: SETTINGS, log },
      findModule: (sha256) => [...MODULES.values()].find((module) => module.sha256 === sha256),
      prepare: () => Promise.resolve(),
      beforeChange: () => Promise.resolve(),
      onServed: (nodes) => this.#serve(index, nodes),
      now: () => this.now,
      tickMs: 1e9,
    });
    this.replicas.push({ client, fleet, stats, rollouts, wanted: this.#content, isAlive: true });
    await this.#tickAll();
  }

  replica(index: number): Replica {
    return this.replicas[index] ?? assert.fail(`no replica ${index}`);
  }

  /** The index of the one that leads. */
  get leader(): number {
    return this.replicas.findIndex(({ client }) => client === this.store.leader);
  }

  connect(sidecar: Sidecar, index: number): void {
    const { fleet, rollouts } = this.replica(index);
    this.placeOf.set(sidecar.node.id, index);
    const wanted = rollouts.translationFor(sidecar.node.id)?.snapshotFor(sidecar.node).snapshot;
    if (wanted !== undefined) sidecar.connect(fleet, wanted, this.now);
    this.#check(sidecar);
  }

  /** The source says something else, to each as soon as it looks. */
  change(content: Content<Module>): void {
    this.#content = content;
    for (const replica of this.replicas) replica.wanted = content;
  }

  /** As `kill -9` does; its sidecars connect to others within seconds. */
  kill(index: number): void {
    const replica = this.replica(index);
    replica.isAlive = false;
    replica.client.die();
    for (const [node, place] of this.placeOf) {
      if (place !== index) continue;
      this.sidecars.get(node)?.disconnect();
      this.#connectAt.set(node, this.now + 2_000);
    }
  }

  /** Lets seconds pass, each with 20 requests to each sidecar. */
  async pass(seconds: number, until: () => boolean = () => false): Promise<void> {
    for (let i = 0; i < seconds && !until(); i++) {
      this.now += 1_000;
      for (const [node, at] of this.#connectAt) {
        const alive = this.replicas.findIndex(({ isAlive }) => isAlive);
        const sidecar = this.sidecars.get(node);
        if (this.now < at || alive < 0 || sidecar === undefined) continue;
        this.#connectAt.delete(node);
        this.connect(sidecar, alive);
      }
      for (const [s, sidecar] of [...this.sidecars.values()].entries()) {
        sidecar.handle(20);
        const replica = this.replica(this.placeOf.get(sidecar.node.id) ?? 0);
        // As real ones, they do not report all at once, and not at the beginning of a window.
        if ((this.now + 1_000 * s) % WINDOW_MS === 0 && replica.isAlive) sidecar.report(replica.stats, this.now);
      }
      await this.#tickAll();
    }
  }

  get record(): RolloutRecord | undefined {
    return replayRecord("shop", (this.store.streams.get("rollouts/shop") ?? []) as unknown as RecordEvent[]);
  }

  /** Lets time pass until the run is over, an hour at most; its phase. */
  async finish(): Promise<string | undefined> {
    const phase = (): string | undefined => this.record?.run?.phase;
    await this.pass(3_600, () => ["Promoted", "RolledBack"].includes(phase() ?? ""));
    await this.pass(5);
    return phase();
  }

  /** How many sidecars have each version. */
  get versions(): Record<string, number> {
    return versionsOf(this.sidecars.values());
  }

  everSent(version: string): string[] {
    return everSent(this.sidecars.values(), version);
  }

  async close(): Promise<void> {
    for (const { rollouts } of this.replicas) await rollouts.close().catch(() => undefined);
  }

  /** What happens at one is heard by the others, which do something that it hears: until all is quiet. */
  async #tickAll(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const replica of this.replicas) {
        if (!replica.isAlive) continue;
        const { rollouts, wanted } = replica;
        if (wanted !== undefined) {
          const problems = await rollouts.adopt(served(wanted)).catch(() => undefined);
          if (problems?.length === 0 && replica.wanted === wanted) replica.wanted = undefined;
        }
        await rollouts.tick().catch(() => undefined);
      }
    }
  }

  #serve(index: number, nodes: Iterable<string> | undefined): void {
    const replica = this.replicas[index];
    if (replica?.isAlive !== true) return;
    for (const id of nodes ?? this.sidecars.keys()) {
      const sidecar = this.sidecars.get(id);
      if (sidecar?.isConnected !== true || this.placeOf.get(id) !== index) continue;
      const wanted = replica.rollouts.translationFor(id)?.snapshotFor(sidecar.node).snapshot;
      if (wanted !== undefined) sidecar.serve(wanted, this.now);
      this.#check(sidecar);
    }
  }

  /** Whether a sidecar may have what it has, by what is in the store. */
  #check({ node, version, sent }: Sidecar): void {
    const run = this.record?.run;
    if (!sent.has("v2") && version !== "v2") return;
    const may = run !== undefined && (run.admitted.has(node.id) || versionFor(run, node.id) === run.to);
    if (!may) this.outside.push(`${node.id} was sent v2`);
  }
}
