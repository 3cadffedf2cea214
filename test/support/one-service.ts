import type { Envoy } from "./envoy.ts";
import { startApp } from "./http.ts";
import { Mesh, type SidecarOptions } from "./mesh.ts";
import { freePorts } from "./ports.ts";
import { probeModule } from "./probe.ts";

/** A running mesh of one service `web`, whose sidecar `web-1` has the probe filter by the policy `web-probe`. */
export interface OneService {
  readonly mesh: Mesh;
  readonly envoy: Envoy;
  readonly appPort: number;
  /** Where requests go to. */
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts it with a mark that the filter leaves on responses, and waits until the filter runs.
 * @param start starts the control plane; more can be written before.
 */
export async function startOneService(
  mark: string,
  options: SidecarOptions = {},
  start = async (mesh: Mesh): Promise<unknown> => mesh.startControlPlane(),
): Promise<OneService> {
  const app = await startApp("web");
  const [port = 0] = await freePorts(1);
  const mesh = await Mesh.create();
  mesh.write("probe.wasm", await probeModule());
  writeService(mesh, { appPort: app.port, inboundPort: port });
  writePolicy(mesh, { mark });
  await start(mesh);
  const envoy = await mesh.startSidecar("web-1", "web", options);
  await mesh.untilReady();
  const stop = async (): Promise<void> => {
    await mesh.stop();
    await app.stop();
  };
  return { mesh, envoy, appPort: app.port, port, stop };
}

export function writeService(
  mesh: Mesh,
  {
    appPort,
    inboundPort,
    outboundPort,
  }: { readonly appPort: number; readonly inboundPort: number; readonly outboundPort?: number },
): void {
  const outbound = outboundPort === undefined ? "" : `, outboundPort: ${String(outboundPort)}`;
  mesh.write(
    "service.yaml",
    `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  endpoints:
    - { address: 127.0.0.1, port: ${String(appPort)}, sidecar: { node: web-1, inboundPort: ${String(inboundPort)}${outbound} } }
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
