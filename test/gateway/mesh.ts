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

/** @param resources what there is beside `web` and the backends, in YAML; `port` is where a backend listens. */
export async function startGatewayMesh(
  resources: (port: (backend: string) => number) => readonly string[],
): Promise<GatewayMesh> {
  const started = await Promise.all([
    ...backendNames.map((name) => startBackend(name)),
    startBackend("failing", 500),
    ...grpcBackendNames.map((name) => startGrpcBackend(name)),
    startGrpcBackend("grpc-failing", false),
  ]);
  const backends = new Map(started.map((backend) => [backend.name, backend]));
  const [port = 0, inboundPort = 0, applicationPort = 0] = await freePorts(3);
  const services = started.map((backend) => {
    const protocol = backend.name.startsWith("grpc") ? "HTTP2" : "HTTP";
    return service(backend.name, 8080, `${String(backend.port)} }]`, `protocol: ${protocol}`);
  });
  const web = service(
    "web",
    80,
    `${String(applicationPort)}, locality: { region: eu, zone: eu-1 }, sidecar: { node: web-1, inboundPort: ${String(inboundPort)}, outboundPort: ${String(port)} } }]`,
  );
  const mesh = await Mesh.create();
  const stop = async (): Promise<void> => {
    await mesh.stop();
    await Promise.all(started.map((backend) => backend.stop()));
  };
  try {
    mesh.write("mesh.yaml", [web, ...services, ...resources((name) => backends.get(name)?.port ?? 0)].join("---\n"));
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.untilReady();
  } catch (error) {
    await stop();
    throw error;
  }
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
