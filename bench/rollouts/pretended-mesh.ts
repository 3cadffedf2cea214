// A mesh of many sidecars in this process, with a clock of its own, before the real controller of Rollouts.
import { pino } from "pino";
import { LATENCY_BOUNDS } from "../../controlplane/bootstrap/histograms.ts";
import { Fleet, NodeStats } from "../../controlplane/fleet/index.ts";
import { buildModel, ParsedFiles, parseResources } from "../../controlplane/model/index.ts";
import { DurableRolloutStore, Rollouts, type RunEvent, type ServedContent } from "../../controlplane/rollout/index.ts";
import type { Store } from "../../controlplane/store/index.ts";
import { translate, type Translation } from "../../controlplane/translate/index.ts";
import { Queue } from "../../controlplane/xds/index.ts";
import { PretendedSidecar, type Conduct } from "../../test/support/pretended-sidecar.ts";

interface Module {
  readonly sha256: string;
  readonly size: number;
}

const MODULES = new Map<string, Module>([["wasm", { sha256: "a".repeat(64), size: 1 }]]);
const SETTINGS = { modulesAuthority: "plane:80", modulesCluster: "plane" };
/** How often a sidecar reports, in seconds. */
const REPORT_S = 5;
const REQUESTS_A_SECOND = 10;
/** Besides what the rollouts look at, as many counters as a sidecar with a few clusters and three filters moves. */
const COUNTERS = Array.from({ length: 60 }, (_, i) => `cluster.outbound|s${i}|80.upstream_rq_total`);
const BINS = LATENCY_BOUNDS.slice(4, 19).map((low, i) => ({
  low,
  width: (LATENCY_BOUNDS[i + 5] ?? low) - low,
  count: 3,
}));

export interface MeshSize {
  readonly sidecars: number;
  readonly services: number;
}

/** A source, each resource in a file of its own: Services with sidecars, a filter of a version for all of them, and a Rollout of it. */
export class Source {
  readonly #size: MeshSize;
  readonly #files = new ParsedFiles();
  #translation: Translation | undefined;

  constructor(size: MeshSize) {
    this.#size = size;
  }

  /** As the control plane reads it: what did not change since the last time is as it was. */
  content(version: string): ServedContent<Module> {
    const files = documents(version, this.#size).map((document, i) => ({
      path: `${i}.yaml`,
      text: JSON.stringify(document),
    }));
    const result = buildModel(parseResources(files, this.#files));
    if (!result.ok) throw new Error(JSON.stringify(result.problems.slice(0, 3)));
    const { model } = result;
    this.#translation = translate(model, MODULES, SETTINGS, this.#translation);
    return { model, modules: MODULES, translation: this.#translation };
  }
}

function documents(version: string, { sidecars, services }: MeshSize): readonly object[] {
  const documents: object[] = [
    resource("WasmModule", "wasm", { file: "wasm.wasm" }),
    resource("FilterPolicy", "authz", {
      targetRefs: Array.from({ length: services }, (_, i) => ({ name: `s${i}` })),
      ...{ module: "wasm", configuration: { version } },
    }),
    resource("Rollout", "shop", { targetRefs: [{ kind: "FilterPolicy", name: "authz" }] }),
  ];
  for (let service = 0; service < services; ++service) {
    const endpoints = [];
    for (let i = service; i < sidecars; i += services) {
      const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      endpoints.push({ address, port: 80, sidecar: { node: `n${i}`, inboundPort: 1 } });
    }
    documents.push(resource("Service", `s${service}`, { port: 80, endpoints }));
  }
  return documents;
}

function resource(kind: string, name: string, spec: object): object {
  return { apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name }, spec };
}

/** Sidecars that take what they are sent at once, and report; nothing passes a network. */
export class PretendedMesh {
  now = 1_700_000_000_000;
  readonly stats = new NodeStats();
  /** What happened to runs since it was last emptied. */
  readonly events: RunEvent[] = [];
  readonly #fleet = new Fleet({ now: () => this.now });
  readonly #sidecars: ReadonlyMap<string, PretendedSidecar>;
  /** Those that may be served something else, as the server of xDS comes to them. */
  readonly #stale = new Queue<PretendedSidecar>((sidecar) => this.#refresh(sidecar));
  #rollouts: Rollouts<Module> | undefined;
  #reports = 0;

  /** @param errors the share of the requests that fail, by the version of the filter. */
  constructor({ sidecars, services }: MeshSize, errors: Readonly<Record<string, number>>) {
    const conduct = (_: string, configuration: string): Conduct => ({
      errors: errors[/\{"version":"(\w+)"\}/.exec(configuration)?.[1] ?? ""] ?? 0,
    });
    this.#sidecars = new Map(
      Array.from({ length: sidecars }, (_, i) => {
        const info = { id: `n${i}`, cluster: `s${i % services}`, userAgentVersion: "1.40.0" };
        return [info.id, new PretendedSidecar(info, conduct)] as const;
      }),
    );
  }

  get rollouts(): Rollouts<Module> {
    if (this.#rollouts === undefined) throw new Error("the mesh has not started");
    return this.#rollouts;
  }

  /** Serves a version to all, and lets a minute pass. */
  async start(served: ServedContent<Module>, store: Store): Promise<void> {
    this.#rollouts = await Rollouts.open<Module>({
      ...{ store: new DurableRolloutStore(store), fleet: this.#fleet, stats: this.stats, settings: SETTINGS },
      findModule: (sha256) => [...MODULES.values()].find((module) => module.sha256 === sha256),
      prepare: () => Promise.resolve(),
      beforeChange: () => Promise.resolve(),
      onServed: (nodes) => this.#serve(nodes),
      onEvents: (_, events) => this.events.push(...events),
      log: pino({ enabled: false }),
      now: () => this.now,
      // It looks when the bench says so.
      tickMs: 1e9,
    });
    for (const sidecar of this.#sidecars.values()) sidecar.connect(this.#fleet);
    await this.adopt(served);
    for (let second = 0; second < 60; ++second) this.pass();
  }

  async adopt(served: ServedContent<Module>): Promise<void> {
    const problems = await this.rollouts.adopt(served);
    if (problems?.length !== 0) throw new Error(problems?.map(({ message }) => message).join("\n"));
  }

  /** Lets a second pass, in which those whose turn it is report. */
  pass(): void {
    this.now += 1_000;
    let i = 0;
    for (const sidecar of this.#sidecars.values()) {
      if (++i % REPORT_S !== (this.now / 1_000) % REPORT_S) continue;
      ++this.#reports;
      sidecar.handle(REPORT_S * REQUESTS_A_SECOND);
      sidecar.counters = COUNTERS.map((name) => [name, this.#reports]);
      sidecar.histograms = [["http.inbound.downstream_rq_time", BINS]];
      sidecar.report(this.stats, this.now);
    }
  }

  /** Whether all are served what they are to have. */
  get isServed(): boolean {
    return this.#stale.isEmpty;
  }

  #serve(nodes: Iterable<string> = this.#sidecars.keys()): void {
    this.#stale.add(Array.from(nodes, (id) => this.#sidecars.get(id)).filter((sidecar) => sidecar !== undefined));
  }

  #refresh(sidecar: PretendedSidecar): void {
    const wanted = this.rollouts.translationFor(sidecar.node.id)?.snapshotFor(sidecar.node).snapshot;
    if (wanted !== undefined) sidecar.serve(wanted, this.now);
  }
}
