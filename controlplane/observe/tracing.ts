import { ROOT_CONTEXT, SpanStatusCode, trace, type Context, type SpanContext, type Tracer } from "@opentelemetry/api";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from "@opentelemetry/sdk-trace";
import { typeNameOf } from "../xds/index.ts";
import type { Activity, Push, Reload } from "./activity.ts";
import { TracingError, type Environment, type Tracing } from "./tracing-switch.ts";

/** Changes whose spans may still get children. */
const MAX_CHANGES = 100;

/**
 * Sends a span of each reload, with its parts, and of each response to a sidecar until its answer, which belongs to the reload that
 * it comes of. Goes by the environment variables of OpenTelemetry.
 *
 * @throws TracingError when they say what cannot be done.
 */
export async function openTracing(environment: Environment): Promise<Tracing> {
  const exporter = await exporterFor(environment);
  // What the environment says goes before the usual name.
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": "meshwright" }))
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new TracerProvider({
    sampler: samplerFor(environment),
    resource,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: milliseconds(environment, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
      }),
    ],
  });
  const spans = new Spans(provider.getTracer("meshwright"));
  return {
    watch: (activity) => spans.watch(activity),
    close: () => provider.shutdown(),
  };
}

class Spans {
  readonly #tracer: Tracer;
  readonly #changes = new Map<number, SpanContext>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  watch(activity: Activity): void {
    activity.on("reload", (reload) => this.#reload(reload));
    activity.on("push", (push) => this.#push(push));
  }

  #reload({ result, startedAt, endedAt, stages, changes, change }: Reload): void {
    const attributes = { "meshwright.result": result, "meshwright.changes": [...changes] };
    const span = this.#tracer.startSpan("reload", { root: true, startTime: startedAt, attributes });
    const within = trace.setSpanContext(ROOT_CONTEXT, span.spanContext());
    stages.forEach(({ stage, startedAt: began }, i) => {
      this.#tracer.startSpan(stage, { startTime: began }, within).end(stages[i + 1]?.startedAt ?? endedAt);
    });
    if (result === "refused" || result === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endedAt);
    if (change === undefined) return;
    this.#changes.set(change, span.spanContext());
    this.#changes.delete(change - MAX_CHANGES);
  }

  #push(push: Push): void {
    const { node, typeUrl, kind, resources, sentAt, answeredAt, change } = push;
    const reload = change && this.#changes.get(change.number);
    const within: Context = reload === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, reload);
    const attributes = {
      "meshwright.node": node.id,
      "meshwright.service": node.cluster,
      "meshwright.type": typeNameOf(typeUrl),
      "meshwright.resources": resources.map(({ name, version }) => `${name} ${version}`.trim()),
      "meshwright.outcome": kind,
    };
    const span = this.#tracer.startSpan("push", { startTime: sentAt, attributes }, within);
    if (push.kind === "rejected") span.setStatus({ code: SpanStatusCode.ERROR, message: push.message });
    span.end(answeredAt);
  }
}

async function exporterFor(environment: Environment): Promise<BatchSpanProcessorExporter> {
  const protocol =
    environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ?? environment["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/protobuf";
  // Where it sends to, with which headers and how long it waits, each reads from the environment itself.
  if (protocol === "http/protobuf") return new (await import("./otlp-proto.ts")).OTLPTraceExporter();
  if (protocol === "http/json") return new (await import("./otlp-json.ts")).OTLPTraceExporter();
  throw new TracingError(`OTEL_EXPORTER_OTLP_PROTOCOL: found "${protocol}", expected http/protobuf or http/json`);
}

type BatchSpanProcessorExporter = ConstructorParameters<typeof BatchSpanProcessor>[0]["exporter"];

function samplerFor(environment: Environment): Sampler {
  const name = environment["OTEL_TRACES_SAMPLER"] ?? "parentbased_always_on";
  const argument = environment["OTEL_TRACES_SAMPLER_ARG"] ?? "1";
  const ratio = Number(argument);
  const samplers: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const [, parentBased = "", root = ""] = /^(parentbased_)?(.*)$/.exec(name) ?? [];
  const make = Object.hasOwn(samplers, root) ? samplers[root] : undefined;
  if (make === undefined)
    throw new TracingError(
      `OTEL_TRACES_SAMPLER: found "${name}", expected ${Object.keys(samplers).join(", ")}, or one of them after parentbased_`,
    );
  if (root === "traceidratio" && !(ratio >= 0 && ratio <= 1))
    throw new TracingError(`OTEL_TRACES_SAMPLER_ARG: found "${argument}", expected a number from 0 to 1`);
  return parentBased === "" ? make() : new ParentBasedSampler({ root: make() });
}

function milliseconds(environment: Environment, name: string, otherwise: number): number {
  const text = environment[name];
  if (text === undefined || text === "") return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new TracingError(`${name}: found "${text}", expected whole milliseconds`);
  return Number(text);
}
