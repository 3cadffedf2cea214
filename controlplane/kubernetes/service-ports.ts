import { modelName, type ObjectName } from "./names.ts";
import type { CoreService, ServicePort } from "./objects.ts";

/** The ports of a core Service that the mesh serves. */
export interface ServedPorts {
  /** That of its Service in the model. */
  readonly first: ServicePort;
  /** Those that are Services of their own in the model, each with a target of its own. */
  readonly others: readonly ServicePort[];
  /** More ports of the Service, each with the one of those above that leads where it does. */
  readonly same: ReadonlyMap<ServicePort, ServicePort>;
  /** Ports for TCP that say they are not for HTTP: nothing of the mesh is before them. */
  readonly closed: readonly ServicePort[];
}

/**
 * The first is the one that is asked for, else the first that says it is for HTTP, else the first that does not say otherwise. All others
 * that do not say otherwise are served too. Undefined where none is.
 */
export function servedPorts({ ports }: CoreService, wanted: number | undefined): ServedPorts | undefined {
  const ofTcp = ports.filter(({ protocol }) => protocol === "TCP");
  const candidates = ofTcp.filter((port) => speaks(port) !== "other");
  const first =
    wanted === undefined
      ? (candidates.find((port) => speaks(port) === "http") ?? candidates[0])
      : (ports.find(({ port }) => port === wanted) ?? { port: wanted, protocol: "TCP", target: wanted });
  if (first === undefined) return undefined;
  const byTarget = new Map([[first.target, first]]);
  const same = new Map<ServicePort, ServicePort>();
  for (const port of candidates) {
    if (port === first) continue;
    const known = byTarget.get(port.target);
    if (known === undefined) byTarget.set(port.target, port);
    else same.set(port, known);
  }
  const [, ...others] = byTarget.values();
  return { first, others, same, closed: ofTcp.filter((port) => port !== first && speaks(port) === "other") };
}

/** What the model calls a Service's other port. No core Service has a dot in its name, so it is the name of no other one. */
export function portModelName({ namespace, name }: ObjectName, { port }: Pick<ServicePort, "port">): string {
  return modelName({ namespace, name: `${name}.${String(port)}` });
}

const http = new Set(["http", "http2", "h2c", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"]);

function speaks({ name, appProtocol }: ServicePort): "http" | "other" | "unknown" {
  if (appProtocol !== undefined) return http.has(appProtocol.toLowerCase()) ? "http" : "other";
  const [prefix = ""] = (name ?? "").split("-");
  if (http.has(prefix)) return "http";
  return ["https", "tls", "tcp", "udp", "mongo", "mysql", "redis", "postgres"].includes(prefix) ? "other" : "unknown";
}

export function isHttp2({ name, appProtocol }: ServicePort): boolean {
  const said = appProtocol?.toLowerCase().replace(/^kubernetes\.io\//, "") ?? (name ?? "").split("-")[0];
  return said === "http2" || said === "h2c" || said === "grpc";
}
