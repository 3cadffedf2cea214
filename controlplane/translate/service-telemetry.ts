import { ownerOf } from "../model/index.ts";
import type { Model, Telemetry, TelemetrySpec } from "../model/index.ts";

/** What the sidecars of a Service tell. */
export interface ServiceTelemetry {
  readonly spec: Omit<TelemetrySpec, "targetRefs">;
  /** The Services to which they send it. */
  readonly collectors: ReadonlySet<string>;
  /** What says so. */
  readonly origins: readonly Telemetry[];
  /** Equal where sidecars of one Service tell the same, to the same. */
  readonly key: string;
}

/** The Telemetry of a Service: of each part what the one for the Service says, or else the one for all. */
export function telemetryOf(
  { telemetries, services }: Pick<Model, "telemetries" | "services">,
  service: string,
): ServiceTelemetry {
  const all = [...telemetries.values()];
  const own = all.find(({ spec }) => spec.targetRefs?.some(({ name }) => name === service));
  const general = all.find(({ spec }) => spec.targetRefs === undefined);
  const { accessLogs, tracing, prometheus } = { ...general?.spec, ...own?.spec };
  const isItself = (name: string): boolean => {
    const collector = services.get(name);
    return name === service || (collector !== undefined && ownerOf(collector) === service);
  };
  const spec = withoutItself(
    {
      ...(accessLogs === undefined ? {} : { accessLogs }),
      ...(tracing === undefined ? {} : { tracing }),
      ...(prometheus === undefined ? {} : { prometheus }),
    },
    isItself,
  );
  const collectors = collectorsOf(spec);
  const ports = [...collectors].map((name) => services.get(name)?.spec.port);
  return { spec, collectors, origins: [general ?? [], own ?? []].flat(), key: JSON.stringify([spec, ports]) };
}

/** A collector does not tell itself of what it is told, which would never end. */
function withoutItself(
  { accessLogs, tracing, ...others }: ServiceTelemetry["spec"],
  isItself: (collector: string) => boolean,
): TelemetrySpec {
  const logs = accessLogs?.filter((log) => log.type !== "OTLP" || !isItself(log.collector.name));
  return {
    ...others,
    ...(logs === undefined ? {} : { accessLogs: logs }),
    ...(tracing === undefined || isItself(tracing.collector.name) ? {} : { tracing }),
  };
}

function collectorsOf({ accessLogs = [], tracing }: TelemetrySpec): ReadonlySet<string> {
  const ofLogs = accessLogs.flatMap((log) => (log.type === "OTLP" ? [log.collector.name] : []));
  return new Set([...ofLogs, ...(tracing === undefined ? [] : [tracing.collector.name])]);
}
