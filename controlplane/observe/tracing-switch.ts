import type { Activity } from "./activity.ts";

/** Sends spans of what a control plane does. */
export interface Tracing {
  watch(activity: Activity): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment says what cannot be done. */
export class TracingError extends Error {
  override readonly name = "TracingError";
}

/**
 * Sends spans where the environment says so: `OTEL_TRACES_EXPORTER=otlp`, or an endpoint. Otherwise nothing of OpenTelemetry is even
 * loaded.
 *
 * @throws TracingError when the environment says what cannot be done.
 */
export async function startTracing(environment: Environment): Promise<Tracing | undefined> {
  const exporter = environment["OTEL_TRACES_EXPORTER"] ?? "";
  if (!["", "otlp", "none"].includes(exporter))
    throw new TracingError(`OTEL_TRACES_EXPORTER: found "${exporter}", expected otlp or none`);
  const hasEndpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].some(
    (name) => (environment[name] ?? "") !== "",
  );
  const isOn = exporter === "otlp" || (exporter === "" && hasEndpoint);
  if (!isOn || environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined;
  const { openTracing } = await import("./tracing.ts");
  return openTracing(environment);
}
