import type { ForwardedProbe } from "../bootstrap/index.ts";
import { PodError, type Container, type PodSpec } from "./pod.ts";

/** A probe of a container that would be led to the sidecar, as a caller of the application like any other. */
export interface Probe extends ForwardedProbe {
  readonly container: string;
  readonly kind: Kind;
}

const kinds = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
type Kind = (typeof kinds)[number];

interface ProbeOfKubernetes {
  readonly httpGet?: {
    readonly path?: string;
    readonly port?: number | string;
    readonly scheme?: string;
    readonly host?: string;
  };
  readonly grpc?: { readonly port?: number };
}

/**
 * The probes by HTTP to ports whose connections are redirected. The kubelet is no caller that authz knows or that speaks mutual TLS, so
 * these come by the sidecar's port for readiness instead.
 *
 * @throws PodError for probes that cannot.
 */
export function probesOf({ containers }: PodSpec, ports: readonly number[]): Probe[] {
  return containers.flatMap((container) =>
    kinds.flatMap((kind) => {
      const { httpGet, grpc } = probeOf(container, kind) ?? {};
      const at = `${kind} of the container ${container.name}`;
      if (grpc?.port !== undefined && ports.includes(grpc.port))
        throw new PodError(
          `the ${at} is one by gRPC to a port that is redirected: probe it by HTTP, or do not redirect`,
        );
      const port = httpGet && portOf(container, httpGet.port);
      if (httpGet === undefined || port === undefined || !ports.includes(port)) return [];
      if (httpGet.scheme === "HTTPS")
        throw new PodError(
          `the ${at} is one by HTTPS to a port that is redirected: probe it by HTTP, or do not redirect`,
        );
      const path = `/probes/${container.name}/${kind}`;
      return [{ container: container.name, kind, path, port, to: httpGet.path ?? "/" }];
    }),
  );
}

/** Containers whose probes come by the sidecar. */
export function withProbes(
  containers: readonly Container[],
  probes: readonly Probe[],
  port: number,
): readonly Container[] {
  return containers.map((container) => {
    const own = probes.filter((probe) => probe.container === container.name);
    const changed = own.map(({ kind, path }) => {
      const probe = probeOf(container, kind);
      return [kind, { ...probe, httpGet: { ...probe?.httpGet, path, port } }] as const;
    });
    return { ...container, ...Object.fromEntries(changed) };
  });
}

function probeOf(container: Container, kind: Kind): ProbeOfKubernetes | undefined {
  const probe = container[kind];
  return typeof probe === "object" && probe !== null ? probe : undefined;
}

function portOf({ ports = [] }: Container, port: number | string | undefined): number | undefined {
  return typeof port === "string" ? ports.find(({ name }) => name === port)?.containerPort : port;
}
