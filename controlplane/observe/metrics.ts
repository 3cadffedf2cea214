import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { NodeInfo } from "../xds/index.ts";
import { SERVED_TYPES, typeNameOf } from "../xds/index.ts";
import type { Activity, HttpRequest, Push, Reload } from "./activity.ts";
import type { Convergence } from "./changes.ts";

/** What a scrape reads of a control plane. */
export interface MetricsSource {
  readonly activity: Activity;
  readonly fleet: { connectedNodes(): readonly NodeInfo[] };
  readonly release: Served | undefined;
  readonly appliedAt: Date | undefined;
  readonly refused: readonly unknown[];
  readonly held?: { readonly kept: readonly unknown[]; readonly leftOut: readonly unknown[] };
  readonly certificateTimes?: readonly { readonly use: string; readonly endsAt: number }[];
}

interface Served {
  readonly translation: { readonly sidecars: ReadonlyMap<string, unknown> };
  readonly model: object;
}

/** A decision on the bucket of a quota. */
export interface QuotaDecision {
  readonly kind: "lease" | "policy" | "abandon";
  readonly tokens?: number;
}

/** From what is done within one process to what waits for a module's download. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * The metrics of a control plane, as Prometheus reads them. No label takes its values from nodes, resources or requests, so
 * their number does not grow with the mesh. Documented in docs/reference/metrics.md.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #pushes: Histogram<"type" | "outcome">;
  readonly #waits: Histogram;
  readonly #rejections: Counter<"type">;
  readonly #convergence: Histogram<"outcome">;
  readonly #reloads: Histogram<"result">;
  readonly #stages: Histogram<"stage">;
  readonly #requests: Histogram<"route" | "method" | "status">;
  readonly #moduleBytes: Counter;
  readonly #quotaDecisions: Counter<"kind">;
  readonly #leased: Counter;
  readonly #ledgerUp: Gauge;

  constructor(source: MetricsSource) {
    const registers = [this.#registry];
    const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]): Histogram<Label> =>
      new Histogram({ name, help, labelNames, buckets: seconds, registers });
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
      new Counter({ name, help, labelNames, registers });

    this.#pushes = histogram("meshwright_push_duration_seconds", "From a response to a sidecar until its answer.", [
      "type",
      "outcome",
    ]);
    this.#waits = histogram(
      "meshwright_push_wait_seconds",
      "From a change being applied until a response with some of it went to a sidecar.",
      [],
    );
    this.#rejections = counter("meshwright_rejections_total", "Responses that a sidecar rejected.", ["type"]);
    this.#convergence = histogram(
      "meshwright_change_convergence_seconds",
      "From a change being applied until every sidecar that was connected had answered it.",
      ["outcome"],
    );
    this.#reloads = histogram(
      "meshwright_reload_duration_seconds",
      "Readings of the source, from the first file to the decision.",
      ["result"],
    );
    this.#stages = histogram("meshwright_reload_stage_duration_seconds", "Parts of the readings of the source.", [
      "stage",
    ]);
    this.#requests = histogram("meshwright_http_request_duration_seconds", "Requests to the HTTP server.", [
      "route",
      "method",
      "status",
    ]);
    this.#moduleBytes = counter("meshwright_module_served_bytes_total", "Bytes of Wasm modules that were served.", []);
    this.#quotaDecisions = counter(
      "meshwright_quota_decisions_total",
      "Decisions on what a sidecar may do with a bucket.",
      ["kind"],
    );
    this.#leased = counter("meshwright_quota_leased_requests_total", "Requests that were granted by leases.", []);
    this.#ledgerUp = new Gauge({
      name: "meshwright_quota_store_up",
      help: "Whether the counts of quotas are reached.",
      registers,
    });
    this.#ledgerUp.set(1);
    this.#addState(source);
    collectDefaultMetrics({ register: this.#registry });
    this.#listen(source.activity);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  quotaDecision({ kind, tokens }: QuotaDecision): void {
    this.#quotaDecisions.inc({ kind });
    if (tokens !== undefined) this.#leased.inc(tokens);
  }

  quotaStore(isUp: boolean): void {
    this.#ledgerUp.set(isUp ? 1 : 0);
  }

  #addState(source: MetricsSource): void {
    const registers = [this.#registry];
    /** Read when it is asked for. */
    const gauge = <Label extends string>(
      name: string,
      help: string,
      labelNames: Label[],
      read: (gauge: Gauge<Label>) => void,
    ): void => {
      const made: Gauge<Label> = new Gauge({ name, help, labelNames, registers, collect: () => read(made) });
    };
    gauge("meshwright_streams", "Open xDS streams.", ["protocol"], (made) => {
      for (const [protocol, count] of Object.entries(source.activity.counts().streams)) made.set({ protocol }, count);
    });
    gauge("meshwright_sidecars", "Sidecars, by whether they are connected and known.", ["state"], (made) => {
      const known = source.release?.translation.sidecars ?? new Map<string, unknown>();
      const connected = source.fleet.connectedNodes();
      const served = connected.filter(({ id }) => known.has(id)).length;
      made.set({ state: "connected" }, served);
      made.set({ state: "missing" }, known.size - served);
      made.set({ state: "unknown" }, connected.length - served);
    });
    gauge("meshwright_sidecars_pending", "Connected sidecars that have not answered the latest change.", [], (made) =>
      made.set(source.activity.counts().pending),
    );
    gauge("meshwright_sidecars_rejecting", "Connected sidecars that lack what they rejected.", [], (made) =>
      made.set(source.activity.counts().rejecting),
    );
    gauge("meshwright_source_problems", "Faults of the source now.", [], (made) => made.set(source.refused.length));
    gauge("meshwright_resources_held", "Resources that are not served as they are written.", ["state"], (made) => {
      made.set({ state: "kept" }, source.held?.kept.length ?? 0);
      made.set({ state: "left_out" }, source.held?.leftOut.length ?? 0);
    });
    gauge("meshwright_change_applied_timestamp_seconds", "When what is served was taken over.", [], (made) =>
      made.set((source.appliedAt?.getTime() ?? 0) / 1_000),
    );
    gauge(
      "meshwright_certificate_end_timestamp_seconds",
      "When the first certificate of a use ends.",
      ["use"],
      (made) => {
        made.reset();
        const ends = new Map<string, number>();
        for (const { use, endsAt } of source.certificateTimes ?? [])
          ends.set(use, Math.min(ends.get(use) ?? Infinity, endsAt));
        for (const [use, endsAt] of ends) made.set({ use }, endsAt / 1_000);
      },
    );
    gauge("meshwright_resources", "Resources that are served, by kind.", ["kind"], (made) => {
      for (const resources of Object.values(source.release?.model ?? {}) as ReadonlyMap<string, { kind: string }>[]) {
        const [first] = resources.values();
        if (first !== undefined) made.set({ kind: first.kind }, resources.size);
      }
    });
  }

  #listen(activity: Activity): void {
    activity.on("push", (push) => this.#push(push));
    activity.on("converged", (convergence) => this.#converged(convergence));
    activity.on("reload", (reload) => this.#reload(reload));
    activity.on("request", (request) => this.#request(request));
  }

  #push({ kind, typeUrl, sentAt, answeredAt, change }: Push): void {
    const type = SERVED_TYPES.includes(typeUrl) ? typeNameOf(typeUrl) : "other";
    this.#pushes.observe({ type, outcome: kind }, between(sentAt, answeredAt));
    if (kind === "rejected") this.#rejections.inc({ type });
    if (change !== undefined) this.#waits.observe(between(change.appliedAt, sentAt));
  }

  #converged({ appliedAt, endedAt, rejected }: Convergence): void {
    this.#convergence.observe({ outcome: rejected ? "rejected" : "acked" }, between(appliedAt, endedAt));
  }

  #reload({ result, startedAt, endedAt, stages }: Reload): void {
    this.#reloads.observe({ result }, between(startedAt, endedAt));
    stages.forEach(({ stage, startedAt: began }, i) => {
      this.#stages.observe({ stage }, between(began, stages[i + 1]?.startedAt ?? endedAt));
    });
  }

  #request({ route, method, status, durationMs, bytes }: HttpRequest): void {
    this.#requests.observe({ route, method, status }, durationMs / 1_000);
    if (route.startsWith("/modules/") && status === 200 && method === "GET") this.#moduleBytes.inc(bytes);
  }
}

/** Seconds between two times in milliseconds. */
function between(from: number, to: number): number {
  // The clock may be set back.
  return Math.max(0, to - from) / 1_000;
}
