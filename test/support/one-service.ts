import type { Mesh } from "./mesh.ts";

/** A service with one sidecar, node `web-1`, and a policy with the probe filter. */
export interface OneService {
  readonly appPort: number;
  readonly inboundPort: number;
}

export function writeService(mesh: Mesh, { appPort, inboundPort }: OneService): void {
  mesh.write(
    "service.yaml",
    `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  endpoints:
    - { address: 127.0.0.1, port: ${String(appPort)}, sidecar: { node: web-1, inboundPort: ${String(inboundPort)} } }
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: probe }
spec: { file: probe.wasm }
`,
  );
}

export function writePolicy(
  mesh: Mesh,
  configuration: object,
  failurePolicy: "FailReload" | "FailClosed" | "FailOpen" = "FailReload",
): void {
  mesh.write(
    "policy.yaml",
    `apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: web-probe }
spec:
  targetRefs: [{ kind: Service, name: web }]
  module: probe
  failurePolicy: ${failurePolicy}
  configuration: ${JSON.stringify(configuration)}
`,
  );
}
