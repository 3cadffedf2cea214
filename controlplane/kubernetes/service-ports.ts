import { modelName, type ObjectName } from "./names.ts";
import type { CoreService, ServicePort } from "./objects.ts";

/** The ports of a core Service that the mesh serves. */
export interface ServedPorts {
  /** That of its Service in the model. */
  readonly first: ServicePort;
  /** Those that are Services of their own in the model. */
  readonly others: readonly ServicePort[];
  /** More ports of the Service that lead where the first one does. */
  readonly same: readonly ServicePort[];
}

/**
 * The first is the one that is asked for, else the first that says it is for HTTP, else the first that does not say otherwise. Others are served if they
 * say that they are for HTTP. Undefined where none is.
 */
export function servedPorts({ ports }: CoreService, wanted: number | undefined): ServedPorts | undefined {
  const candidates = ports.filter((port) => port.protocol === "TCP" && speaks(port) !== "other");
  const first =
    wanted === undefined
      ? (candidates.find((port) => speaks(port) === "http") ?? candidates[0])
      : (ports.find(({ port }) => port === wanted) ?? { port: wanted, protocol: "TCP", target: wanted });
  if (first === undefined) return undefined;
  const more = candidates.filter((port) => port !== first && speaks(port) === "http");
  return {
    first,
    others: more.filter(({ target }) => target !== first.target),
    same: more.filter(({ target }) => target === first.target),
  };
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
