import assert from "node:assert/strict";
import { pino } from "pino";
import { Fleet, NodeStats } from "../../fleet/index.ts";
import { loadModel } from "../../model/index.ts";
import { translate } from "../../translate/index.ts";
import type { Snapshot } from "../../xds/index.ts";
import type { ServedContent } from "../content.ts";
import type { PreCheck } from "../pre-check.ts";
import { Rollouts } from "../rollouts.ts";
import type { Run, RunEvent } from "../run.ts";
import { MemoryRolloutStore, type RolloutStore } from "../store.ts";
import type { Content } from "../version.ts";
import { everSent, Sidecar, versionsOf, type Behaviour } from "./sidecar.ts";

// For tests: a controller of Rollouts with a clock of its own, before a fleet that behaves as it is told.

export interface Module {
  readonly sha256: string;
  readonly size: number;
}

export const MODULES = new Map<string, Module>([["wasm", { sha256: "a".repeat(64), size: 1 }]]);
export const SETTINGS = { modulesAuthority: "plane:80", modulesCluster: "plane" };
export const WINDOW_MS = 5_000;

/** What a source says: a Service with ten sidecars, a filter of a version, a Rollout of it, and more. */
export function source(version: string, spec = "{}", rollouts = ["shop"], more = ""): Content<Module> {
  const endpoints = Array.from(
    { length: 10 },
    (_, i) => `{ address: 10.0.0.${i + 1}, port: 80, sidecar: { node: n${i}, inboundPort: 1 } }`,
  );
  const { targetRefs, ...rest } = { targetRefs: [{ kind: "FilterPolicy", name: "authz" }], ...JSON.parse(spec) } as {
    targetRefs: object;
  };
  const text = `
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec: { port: 80, endpoints: [${endpoints.join(", ")}] }
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: wasm }
spec: { file: wasm.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: authz }
spec: { targetRefs: [{ name: shop }], module: wasm, configuration: { version: ${version} } }
${rollouts
  .map(
    (name) => `---
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec: ${JSON.stringify({ targetRefs, ...rest })}
`,
  )
  .join("")}${more}`;
  const result = loadModel([{ path: "mesh.yaml", text }]);
  assert.ok(result.ok, JSON.stringify(result));
  return { model: result.model, modules: MODULES };
}

export const served = ({ model, modules }: Content<Module>): ServedContent<Module> => ({
  ...{ model, modules, translation: translate(model, modules, SETTINGS) },
});

export class Mesh {
  now = 1_700_000_000_000;
  store: RolloutStore;
  readonly sidecars = new Map<string, Sidecar>();
  /** By the version of the filter; what is left out is good. */
  readonly behaviours: Record<string, Behaviour> = {};
  /** Tries versions before their first wave. */
  preCheck: PreCheck<Module> | undefined;
  /** Is told of what happens to runs. */
  onEvents: (run: Run, events: readonly RunEvent[]) => void = () => undefined;
  /** Whom the control plane told that something else is served, lately. */
  readonly served: (readonly string[] | "all")[] = [];
  #fleet = this.#makeFleet();
  #stats = new NodeStats();
  #rollouts: Rollouts<Module> | undefined;

  constructor(store: RolloutStore = new MemoryRolloutStore()) {
    this.store = store;
  }

  /** A mesh whose control plane serves `content` and to which all sidecars are connected. */
  static async serving(content: Content<Module>, store?: RolloutStore): Promise<Mesh> {
    const mesh = new Mesh(store);
    await mesh.serve(content);
    return mesh;
  }

  /** Starts the control plane, and connects all sidecars to it. */
  async serve(content: Content<Module>): Promise<void> {
    for (let i = 0; i < 10; i++) this.sidecars.set(`n${i}`, new Sidecar(`n${i}`, this.behaviours));
    await this.start(content);
    await this.pass(60);
  }

  get rollouts(): Rollouts<Module> {
    if (this.#rollouts === undefined) throw new Error("the control plane does not run");
    return this.#rollouts;
  }

  /** Starts a control plane, which knows nothing but what is in the store. */
  async start(content: Content<Module>): Promise<void> {
    this.#fleet = this.#makeFleet();
    this.#stats = new NodeStats();
    this.#rollouts = await Rollouts.open<Module>({
      store: this.store,
      fleet: this.#fleet,
      stats: this.#stats,
      ...(this.preCheck === undefined ? {} : { preCheck: this.preCheck }),
      settings: SETTINGS,
      findModule: (sha256) => [...MODULES.values()].find((module) => module.sha256 === sha256),
      prepare: () => Promise.resolve(),
      beforeChange: () => Promise.resolve(),
      onServed: (nodes) => this.#serve(nodes),
      onEvents: (run, events) => this.onEvents(run, events),
      log: pino({ enabled: false }),
      now: () => this.now,
      tickMs: 1e9,
    });
    assert.deepEqual(await this.#rollouts.adopt(served(content)), []);
    for (const sidecar of this.sidecars.values()) sidecar.connect(this.#fleet, this.#wantedBy(sidecar), this.now);
  }

  /** Ends it as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#rollouts?.close();
    this.#rollouts = undefined;
  }

  async adopt(content: Content<Module>): Promise<readonly string[]> {
    return ((await this.rollouts.adopt(served(content))) ?? []).map(({ message }) => message);
  }

  /** Lets seconds pass, each with 20 requests to each sidecar. */
  async pass(seconds: number, until: () => boolean = () => false): Promise<void> {
    for (let i = 0; i < seconds && !until(); i++) {
      this.now += 1_000;
      for (const [i, sidecar] of [...this.sidecars.values()].entries()) {
        sidecar.handle(20);
        // As real ones, they do not report all at once, and not at the beginning of a window.
        if ((this.now + 1_000 * i) % WINDOW_MS === 0) sidecar.report(this.#stats, this.now);
      }
      await this.#rollouts?.tick();
    }
  }

  /** Lets time pass until the run is over, an hour at most; its phase. */
  async finish(rollout = "shop"): Promise<string | undefined> {
    const phase = (): string | undefined => this.rollouts.view(rollout)?.record.run?.phase;
    await this.pass(3_600, () => ["Promoted", "RolledBack"].includes(phase() ?? ""));
    return phase();
  }

  /** How many sidecars have each version. */
  get versions(): Record<string, number> {
    return versionsOf(this.sidecars.values());
  }

  /** Who was ever sent a version. */
  everSent(version: string): string[] {
    return everSent(this.sidecars.values(), version);
  }

  #makeFleet(): Fleet {
    return new Fleet({ now: () => this.now });
  }

  /** A sidecar takes the place of another, as a pod that is started again does. */
  replace(sidecar: Sidecar): void {
    const { id } = sidecar.node;
    this.sidecars.get(id)?.disconnect();
    this.sidecars.set(id, sidecar);
    sidecar.connect(this.#fleet, this.#wantedBy(sidecar), this.now);
  }

  /** Undefined for a sidecar that says it is of another Service. */
  #wantedBy({ node }: Sidecar): Snapshot | undefined {
    return this.#rollouts?.translationFor(node.id)?.snapshotFor(node).snapshot;
  }

  #serve(nodes: Iterable<string> | undefined): void {
    const ids = nodes === undefined ? undefined : [...nodes];
    this.served.push(ids ?? "all");
    for (const id of ids ?? this.sidecars.keys()) {
      const sidecar = this.sidecars.get(id);
      const wanted = sidecar?.isConnected === true ? this.#wantedBy(sidecar) : undefined;
      if (wanted !== undefined) sidecar?.serve(wanted, this.now);
    }
  }
}
