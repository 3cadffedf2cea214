import { Mesh } from "../support/mesh.ts";
import { freePorts } from "../support/ports.ts";
import { startBackend, startGrpcBackend } from "./backends.ts";
import type { Backend } from "./backends.ts";

/** A mesh in which the application `web`, through its sidecar, calls the backends that the conformance suite has. */
export interface GatewayMesh {
  readonly mesh: Mesh;
  /** Where `web` sends its requests. */
  readonly port: number;
  readonly backends: ReadonlyMap<string, Backend>;
  stop(): Promise<void>;
}

export const backendNames = ["infra-backend-v1", "infra-backend-v2", "infra-backend-v3"] as const;
export const grpcBackendNames = ["grpc-infra-backend-v1", "grpc-infra-backend-v2", "grpc-infra-backend-v3"] as const;

/** @param resources what there is beside `web` and the backends, in YAML. */
export async function startGatewayMesh(resources: readonly string[]): Promise<GatewayMesh> {
  const started = await Promise.all([...backendNames.map(startBackend), ...grpcBackendNames.map(startGrpcBackend)]);
  const backends = new Map(started.map((backend) => [backend.name, backend]));
  const [port = 0, inboundPort = 0, applicationPort = 0] = await freePorts(3);
  const services = started.map((backend) => {
    const protocol = backend.name.startsWith("grpc") ? "HTTP2" : "HTTP";
    return service(backend.name, 8080, `${String(backend.port)} }]`, `protocol: ${protocol}`);
  });
  const web = service(
    "web",
    80,
    `${String(applicationPort)}, sidecar: { node: web-1, inboundPort: ${String(inboundPort)}, outboundPort: ${String(port)} } }]`,
  );
  const mesh = await Mesh.create();
  mesh.write("mesh.yaml", [web, ...services, ...resources].join("---\n"));
  await mesh.startControlPlane();
  await mesh.startSidecar("web-1", "web");
  await mesh.untilReady();
  const stop = async (): Promise<void> => {
    await mesh.stop();
    await Promise.all(started.map((backend) => backend.stop()));
  };
  return { mesh, port, backends, stop };
}

function service(name: string, port: number, endpoint: string, more = "protocol: HTTP"): string {
  return `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: ${String(port)}
  ${more}
  endpoints: [{ address: 127.0.0.1, port: ${endpoint}
`;
}
