import type { Fleet, NodeStats } from "../../fleet/index.ts";
import {
  TypeUrl,
  type ConnectionObserver,
  type NodeInfo,
  type ResourceStatus,
  type Snapshot,
  type TypeStatus,
} from "../../xds/index.ts";

/** What a sidecar does with a version of the filter. */
export interface Behaviour {
  /**
   * - `lose`: it loses its stream, and does not come back.
   * - `refuse`: it has a new module and does not take the filter, each time that it is tried.
   * - `fetch`: it does not take the filter either, and its module does not come to an end.
   *
   * Default: `accept`.
   */
  readonly answer?: "accept" | "reject" | "ignore" | "lose" | "refuse" | "fetch";
  /** The share of the requests that it answers with 503. */
  readonly errors?: number;
  /** Its VMs trap. */
  readonly traps?: boolean;
  /** It accepts the filter, which does not run. */
  readonly runs?: false;
}

/** How many sidecars have each version. */
export function versionsOf(sidecars: Iterable<Sidecar>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { version } of sidecars) counts[version] = (counts[version] ?? 0) + 1;
  return counts;
}

/** Who was ever sent a version. */
export function everSent(sidecars: Iterable<Sidecar>, version: string): string[] {
  return [...sidecars].filter(({ sent }) => sent.has(version)).map(({ node }) => node.id);
}

/** A sidecar with one filter, whose version is read from its configuration. */
export class Sidecar {
  readonly node: NodeInfo;
  /** The version of the filter that it holds. */
  version = "none";
  readonly sent = new Set<string>();
  readonly #behaviours: Readonly<Record<string, Behaviour>>;
  readonly #held = new Map<string, string>();
  #refused: { readonly version: string; readonly at: number } | undefined;
  #wanted: Snapshot | undefined;
  #ackedAt = 0;
  #observer: ConnectionObserver | undefined;
  readonly #counts = { completed: 0, failed: 0, traps: 0, created: 0, fetched: 0 };
  /** Tries again to take a version whose module is new to it. */
  #tryAgain: (() => void) | undefined;
  #seconds = 0;

  /** @param cluster the Service that it says it is of. */
  constructor(id: string, behaviours: Readonly<Record<string, Behaviour>>, cluster = "shop") {
    this.#behaviours = behaviours;
    this.node = {
      ...{ id, cluster, metadata: {}, locality: { region: "eu", zone: "eu-1", subZone: "" } },
      ...{ userAgentName: "envoy", userAgentVersion: "1.40.0", hasWasm: true, features: [] },
    };
  }

  get isConnected(): boolean {
    return this.#observer !== undefined;
  }

  connect(fleet: Fleet, wanted: Snapshot | undefined, now: number): void {
    const status = (): readonly TypeStatus[] => this.#status();
    this.#observer = fleet.connected({ node: this.node, protocol: "delta", peer: "127.0.0.1", status });
    if (wanted !== undefined) this.serve(wanted, now);
  }

  disconnect(): void {
    this.#observer?.disconnected();
    this.#observer = undefined;
  }

  /** It is sent what it has not, and answers at once. */
  serve(wanted: Snapshot, now: number): void {
    this.#wanted = wanted;
    for (const set of wanted.sets.values()) {
      for (const [name, { version }] of set.resources) {
        const key = `${set.typeUrl} ${name}`;
        if (set.typeUrl !== TypeUrl.extensionConfig) this.#held.set(key, version);
        else if (this.#held.get(key) !== version)
          this.#take(key, version, filterVersion(set.resources.get(name)?.body), now);
      }
    }
  }

  handle(requests: number): void {
    const { errors = 0, traps = false } = this.#behaviour(this.version);
    this.#counts.completed += requests;
    this.#counts.failed += requests * errors;
    if (traps) this.#counts.traps++;
    if (++this.#seconds % 3 === 0) this.#tryAgain?.();
  }

  report(stats: NodeStats, now: number): void {
    const { completed, failed, traps, created, fetched } = this.#counts;
    const counters: [string, number][] = [
      ["http.inbound.downstream_rq_completed", completed],
      ["http.inbound.downstream_rq_5xx", Math.floor(failed)],
      ["wasm.envoy.wasm.runtime.v8.vm_reload_success", traps],
      ["wasm.envoy.wasm.runtime.v8.created", created],
      ["cluster.meshwright-modules.upstream_rq_2xx", fetched],
    ];
    const vms = this.#behaviour(this.version).runs === false ? 0 : 3;
    const gauges: [string, number][] = [
      ["server.concurrency", 1],
      ["wasm.envoy.wasm.runtime.v8.active", vms],
      ["cluster.meshwright-modules.upstream_rq_active", this.#isFetching ? 1 : 0],
    ];
    stats.record(this.node.id, { counters, gauges, histograms: [] }, now);
  }

  get #isFetching(): boolean {
    return this.#tryAgain !== undefined && this.#counts.created === this.#counts.fetched;
  }

  #behaviour(version: string): Behaviour {
    return this.#behaviours[version] ?? {};
  }

  #take(key: string, version: string, filter: string, now: number): void {
    this.sent.add(filter);
    const { answer = "accept" } = this.#behaviour(filter);
    this.#refused = undefined;
    this.#tryAgain = undefined;
    const resources = [{ name: "authz", version }];
    const outcome = { typeUrl: TypeUrl.extensionConfig, resources, sentAt: now };
    if (answer === "accept") {
      this.#held.set(key, version);
      this.version = filter;
      this.#ackedAt = now;
      this.#observer?.answered({ kind: "acked", ...outcome });
    } else if (answer === "reject") {
      this.#refused = { version, at: now };
      this.#observer?.answered({ kind: "rejected", message: "no such colour", ...outcome });
    } else if (answer === "lose") this.disconnect();
    else if (answer === "refuse" || answer === "fetch") {
      this.#counts.fetched++;
      this.#counts.created += answer === "refuse" ? 2 : 1;
      this.#tryAgain = () => this.#observer?.answered({ kind: "prewarming", message: "no such colour", ...outcome });
      this.#tryAgain();
    }
  }

  #status(): readonly TypeStatus[] {
    return [...(this.#wanted?.sets.values() ?? [])].map(({ typeUrl, version, resources }) => ({
      ...{ typeUrl, version, requested: true, ackedAt: this.#ackedAt },
      resources: [...resources].map(([name, wanted]) => this.#resourceStatus(typeUrl, name, wanted.version)),
    }));
  }

  #resourceStatus(typeUrl: string, name: string, version: string): ResourceStatus {
    const acked = this.#held.get(`${typeUrl} ${name}`) ?? null;
    const isRefused = typeUrl === TypeUrl.extensionConfig && this.#refused?.version === version;
    const state = acked === version ? "synced" : isRefused ? "rejected" : "pending";
    const rejection = isRefused
      ? { version, message: "no such colour", time: this.#refused?.at ?? 0, shared: false }
      : null;
    return { name, version, sent: version, acked, state, acceptedAt: null, rejection };
  }
}

/** The configuration is JSON text inside Envoy's resource. */
function filterVersion(body: Uint8Array | undefined): string {
  const text = Buffer.from(body ?? []).toString("latin1");
  return /\{"version":"(\w+)"\}/.exec(text)?.[1] ?? "unknown";
}
