import type { Fleet, NodeStats, Report } from "../../controlplane/fleet/index.ts";
import {
  TypeUrl,
  type ConnectionObserver,
  type NodeInfo,
  type ResourceStatus,
  type Snapshot,
  type TypeStatus,
} from "../../controlplane/xds/index.ts";

/** What a sidecar does with a filter, by its name and its configuration. */
export interface Conduct {
  /** What it says as it refuses it; it takes it when left out. */
  readonly refusal?: string;
  /** The share of the requests that fail. */
  readonly errors?: number;
}

/** A sidecar without an Envoy and without a network: a fleet of ten thousand is one of these each. */
export class PretendedSidecar {
  readonly node: NodeInfo;
  /** What it reports besides. */
  counters: readonly (readonly [name: string, value: number])[] = [];
  /** What it has measured since its last report. */
  histograms: Report["histograms"] = [];
  readonly #conduct: (filter: string, configuration: string) => Conduct;
  readonly #held = new Map<string, string>();
  readonly #refused = new Map<string, { readonly version: string; readonly message: string; readonly at: number }>();
  readonly #errors = new Map<string, number>();
  #wanted: Snapshot | undefined;
  #ackedAt = 0;
  #isBehind = false;
  #observer: ConnectionObserver | undefined;
  #requests = 0;
  #failed = 0;

  constructor(
    node: Pick<NodeInfo, "id" | "cluster" | "userAgentVersion">,
    conduct: (filter: string, configuration: string) => Conduct,
  ) {
    this.node = {
      ...node,
      ...{ metadata: {}, locality: { region: "eu", zone: "eu-1", subZone: "" } },
      ...{ userAgentName: "envoy", hasWasm: true, features: [] },
    };
    this.#conduct = conduct;
  }

  connect(fleet: Fleet): void {
    const status = (): readonly TypeStatus[] => this.#status();
    this.#observer = fleet.connected({ node: this.node, protocol: "delta", peer: "127.0.0.1", status });
  }

  disconnect(): void {
    this.#observer?.disconnected();
    this.#observer = undefined;
  }

  /** Takes what it is to have, or refuses it. */
  serve(wanted: Snapshot, now: number): void {
    if (this.#observer === undefined || wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#refused.clear();
    for (const { typeUrl, resources } of wanted.sets.values()) {
      for (const [name, { version, body }] of resources) {
        const key = `${typeUrl} ${name}`;
        if (typeUrl !== TypeUrl.extensionConfig) this.#held.set(key, version);
        else if (this.#held.get(key) !== version) this.#take(name, version, body, now);
      }
    }
    this.#isBehind = this.#refused.size > 0;
  }

  handle(requests: number): void {
    this.#requests += requests;
    for (const share of this.#errors.values()) this.#failed += requests * share;
  }

  report(stats: NodeStats, now: number): void {
    const counters: [string, number][] = [
      ...this.counters.map(([name, value]): [string, number] => [name, value]),
      ["http.inbound.downstream_rq_completed", Math.floor(this.#requests)],
      ["http.inbound.downstream_rq_5xx", Math.floor(this.#failed)],
    ];
    const gauges: [string, number][] = [
      ["server.concurrency", 1],
      ["wasm.envoy.wasm.runtime.v8.active", 20],
    ];
    stats.record(this.node.id, { counters, gauges, histograms: this.histograms }, now);
  }

  #take(name: string, version: string, body: Uint8Array, now: number): void {
    const { refusal, errors = 0 } = this.#conduct(name, Buffer.from(body).toString("latin1"));
    const outcome = { typeUrl: TypeUrl.extensionConfig, resources: [{ name, version }], sentAt: now };
    if (refusal !== undefined) {
      this.#refused.set(name, { version, message: refusal, at: now });
      this.#observer?.answered({ kind: "rejected", message: refusal, ...outcome });
      return;
    }
    this.#refused.delete(name);
    this.#errors.set(name, errors);
    this.#held.set(`${TypeUrl.extensionConfig} ${name}`, version);
    this.#ackedAt = now;
    this.#observer?.answered({ kind: "acked", ...outcome });
  }

  #status(): readonly TypeStatus[] {
    return [...(this.#wanted?.sets.values() ?? [])].map(({ typeUrl, version, resources }) => {
      const make = (): ResourceStatus[] =>
        Array.from(resources, ([name, wanted]) => this.#resourceStatus(typeUrl, name, wanted.version));
      return {
        ...{ typeUrl, version, requested: true, ackedAt: this.#ackedAt },
        ...(typeUrl === TypeUrl.extensionConfig && this.#isBehind ? {} : { inStep: true }),
        get resources() {
          return make();
        },
      };
    });
  }

  #resourceStatus(typeUrl: string, name: string, version: string): ResourceStatus {
    const acked = this.#held.get(`${typeUrl} ${name}`) ?? null;
    const refused = typeUrl === TypeUrl.extensionConfig ? this.#refused.get(name) : undefined;
    const isRefused = refused?.version === version;
    const state = acked === version ? "synced" : isRefused ? "rejected" : "pending";
    const rejection =
      refused !== undefined && isRefused
        ? { version, message: refused.message, time: refused.at, shared: false }
        : null;
    return { name, version, sent: version, acked, state, acceptedAt: null, rejection };
  }
}
