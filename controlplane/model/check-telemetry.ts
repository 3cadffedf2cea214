import { isIP } from "node:net";
import { checkTargets } from "./check-targets.ts";
import { Claims, repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import type { Path } from "./path.ts";
import { ownerOf } from "./ports.ts";
import { checkServiceRef } from "./references.ts";
import type { MayExist } from "./references.ts";
import type { Model, Telemetry } from "./resources.ts";

/** Finds the faults of Telemetries that a JSON Schema cannot. */
export function checkTelemetries(model: Model, mayExist: MayExist): Found {
  const owners = new Claims("Telemetry of");
  return [...model.telemetries.values()].flatMap((telemetry) => {
    const { metadata, origin, spec } = telemetry;
    const owner = `Telemetry ${metadata.name}`;
    const claims =
      spec.targetRefs === undefined
        ? [owners.claim("all sidecars", owner, origin, ["metadata", "name"])]
        : spec.targetRefs.map(({ name }, t) =>
            owners.claim(`Service ${name}`, owner, origin, ["spec", "targetRefs", t, "name"]),
          );
    return [
      ...claims,
      ...checkTargets(telemetry, spec.targetRefs, model, mayExist),
      ...collectorsOf(telemetry).flatMap(([name, path]) => checkCollector(name, path, telemetry, model, mayExist)),
      ...checkTags(telemetry),
      ...checkPrometheus(telemetry, model),
    ];
  });
}

/** The collectors that a Telemetry names, and where. */
function collectorsOf({ spec }: Telemetry): [name: string, path: Path][] {
  const ofLogs = (spec.accessLogs ?? []).flatMap((log, l): [string, Path][] =>
    log.type === "OTLP" ? [[log.collector.name, ["spec", "accessLogs", l, "collector"]]] : [],
  );
  if (spec.tracing === undefined) return ofLogs;
  return [...ofLogs, [spec.tracing.collector.name, ["spec", "tracing", "collector"]]];
}

function checkCollector(name: string, path: Path, { origin }: Telemetry, model: Model, mayExist: MayExist): Found {
  const protocol = model.services.get(name)?.spec.protocol;
  return [
    checkServiceRef({ name }, path, origin, model, mayExist),
    protocol === undefined || protocol === "HTTP2"
      ? undefined
      : origin.problem([...path, "name"], `OTLP needs the protocol HTTP2; Service ${name} has ${protocol}`),
  ];
}

function checkTags({ origin, spec }: Telemetry): Found {
  const names = (spec.tracing?.customTags ?? []).map(({ name }) => name);
  return repeated(names, "tag", origin, (t) => ["spec", "tracing", "customTags", t, "name"]);
}

/** A port that is taken by a listener of one of the sidecars, or by its application. */
function checkPrometheus({ origin, spec }: Telemetry, model: Model): Found {
  if (spec.prometheus === undefined) return [];
  const { port, address } = spec.prometheus;
  const path = ["spec", "prometheus"];
  if (address !== undefined && isIP(address) === 0) {
    const message = `expected an IPv4 or IPv6 address, found ${JSON.stringify(address)}`;
    return [origin.problem([...path, "address"], message)];
  }
  const hosts = new Map<string, string>();
  for (const service of model.services.values()) {
    const isTarget = spec.targetRefs?.some(({ name }) => name === ownerOf(service)) ?? true;
    const { name } = service.metadata;
    for (const [index, endpoint] of service.spec.endpoints.entries()) {
      const { sidecar } = endpoint;
      if (sidecar === undefined || !isTarget) continue;
      const owner = `Service ${name} endpoints[${index}]`;
      if ([endpoint.port, sidecar.inboundPort, sidecar.outboundPort].includes(port))
        return [origin.problem([...path, "port"], `the port ${port} is one of ${owner} already`)];
      // The sidecar of a further port is there already.
      if (service.spec.portOf !== undefined) continue;
      const at = address ?? sidecar.address ?? endpoint.address;
      const host = `${sidecar.address ?? endpoint.address} ${at}`;
      const other = hosts.get(host);
      if (other !== undefined) {
        const message = `${owner} is on one machine with ${other}, and only one of them can have the port ${port}`;
        return [origin.problem([...path, "port"], message)];
      }
      hosts.set(host, owner);
    }
  }
  return [];
}
