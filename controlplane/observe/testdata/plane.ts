// A control plane on a source in memory, for tests of what it tells.
import { createServer, type AddressInfo } from "node:net";
import { pino } from "pino";
import { ControlPlane, type ControlPlaneOptions, type HostPort } from "../../control/index.ts";
import { scratchFolder } from "../../security/testdata/fixtures.ts";
import type { Source } from "../../source/index.ts";
import { deltaWire, type DeltaWire } from "../../xds/testdata/client.ts";

/** A Service with a sidecar whose node id is NAME-1. */
export const serviceText = (name: string, port: number, more = ""): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
  endpoints:
    - { address: 127.0.0.1, port: ${port}, sidecar: { node: ${name}-1, inboundPort: ${port + 1}, outboundPort: ${port + 2} } }
${more}`;

/** The HTTPRoute "canary" to the Service "db". */
export const canaryText = (timeout: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: canary }
spec:
  parentRefs: [{ group: "", kind: Service, name: db }]
  rules: [{ timeouts: { request: ${timeout} }, backendRefs: [{ name: db, port: 80 }] }]
`;

/** The Rollout "careful", which holds back changes of that route until somebody starts it. */
export const carefulText = `---
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: careful }
spec:
  targetRefs: [{ kind: HTTPRoute, name: canary }]
  start: Manual
  waves: [{ percentage: 100 }]
`;

export interface TestPlane {
  readonly plane: ControlPlane;
  readonly log: string[];
  readonly metricsPort: number;
  /** Replaces what the source holds, and waits until it was read. */
  change(text: string): Promise<void>;
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  post(path: string, body: object): Promise<{ readonly status: number; readonly body: string }>;
  /** Opens the stream of a sidecar, which asks for a type. */
  connect(node: string, typeUrl: string): DeltaWire;
  close(): Promise<void>;
}

export async function startPlane(text: string, options: Partial<ControlPlaneOptions> = {}): Promise<TestPlane> {
  const folder = scratchFolder();
  const log: string[] = [];
  let now = text;
  const source: Source = {
    name: "the test",
    list: () => Promise.resolve([{ path: "mesh.yaml", text: now }]),
    read: () => Promise.reject(new Error("there are no files")),
    readAssets: () => Promise.resolve(new Map()),
    watch: () => Promise.resolve(() => Promise.resolve()),
  };
  const [xds, http, metrics] = await Promise.all([freeAddress(), freeAddress(), freeAddress()]);
  const plane = await ControlPlane.start({
    source,
    stateFolder: folder.path,
    xds,
    http,
    metrics,
    modulesCluster: "modules",
    log: pino({ level: "trace" }, { write: (line: string) => void log.push(line) }),
    ...options,
  });
  const streams: DeltaWire[] = [];
  return {
    plane,
    log,
    metricsPort: metrics.port,
    change: async (text) => {
      now = text;
      await plane.reload();
    },
    get: (path) => answer(`http://127.0.0.1:${http.port}${path}`, {}),
    post: (path, body) =>
      answer(`http://127.0.0.1:${http.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    connect: (node, typeUrl) => {
      const stream = deltaWire(xds.port);
      streams.push(stream);
      stream.send({ node: { id: node, cluster: node.replace(/-\d+$/, ""), userAgentName: "envoy" }, typeUrl });
      return stream;
    },
    close: async () => {
      for (const stream of streams) stream.close();
      await plane.close();
      folder.remove();
    },
  };
}

async function freeAddress(): Promise<HostPort> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { host: "127.0.0.1", port };
}

async function answer(url: string, init: RequestInit): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text() };
}
