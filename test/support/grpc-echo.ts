import { Server, ServerCredentials } from "@grpc/grpc-js";
import { rawMethod } from "../../controlplane/xds/index.ts";

/** The methods of an {@link EchoBackend}. */
export const SAY = rawMethod("/test.Echo/Say", false);
export const SHOUT = rawMethod("/test.Echo/Shout", false);

/** A gRPC server that answers every call with its name. */
export interface EchoBackend {
  readonly server: Server;
  readonly port: number;
}

export async function startEcho(name: string): Promise<EchoBackend> {
  const server = new Server();
  const answer = (_: unknown, callback: (error: null, bytes: Buffer) => void): void =>
    callback(null, Buffer.from(name));
  server.addService({ Say: SAY, Shout: SHOUT }, { Say: answer, Shout: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { server, port };
}

/** A Service that gRPC clients call, as a document. @param more another field of its spec. */
export function grpcService(name: string, ports: readonly number[], more = ""): string {
  return `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 50051
  protocol: HTTP2
  ${more}
  endpoints: [${ports.map((port) => `{ address: 127.0.0.1, port: ${String(port)} }`).join(", ")}]
`;
}

/** A route for calls to the Service `echo`, as a document. */
export function echoRoute(rules: string): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: echo, annotations: { meshwright.dev/unresolved-backends: Answer } }
spec:
  parentRefs: [{ group: meshwright.dev, kind: Service, name: echo }]
  rules: ${rules}
`;
}

export function backendRef(name: string, weight = 1): string {
  return `{ group: meshwright.dev, kind: Service, name: ${name}, port: 50051, weight: ${String(weight)} }`;
}
