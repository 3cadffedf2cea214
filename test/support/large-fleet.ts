import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { handleRequest } from "../../controlplane/api/index.ts";
import { NodeStats, type NodeView } from "../../controlplane/fleet/index.ts";
import { ModuleStore } from "../../controlplane/modules/index.ts";
import { InsecureAccess } from "../../controlplane/security/index.ts";
import { TypeUrl } from "../../controlplane/xds/index.ts";

/** The API before 10,000 sidecars of 20 Services, of each of which every hundredth rejects its filter. */
export class LargeFleet {
  readonly url: string;
  readonly #server: Server;
  readonly #folder: string;

  private constructor(server: Server, folder: string) {
    this.#server = server;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<LargeFleet> {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-large-"));
    const views = Array.from({ length: 10_000 }, (_, i) => viewOf(i));
    const fleet = { nodes: () => views, node: (id: string) => views.find(({ node }) => node.id === id) };
    const source = {
      ...{ release: undefined, appliedAt: new Date(), refused: [], fleet, stats: new NodeStats() },
      ...{ snapshotFor: () => undefined, metrics: { contentType: "text/plain", text: () => Promise.resolve("") } },
      ...{ modules: new ModuleStore(folder), leases: { top: () => [] }, access: new InsecureAccess([]) },
    };
    const server = createServer((request, response) => handleRequest(source, request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new LargeFleet(server, folder);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function viewOf(i: number): NodeView {
  const service = `service-${String(Math.floor(i / 500)).padStart(2, "0")}`;
  const isRefusing = i % 100 === 0;
  const rejection = { version: "v2", message: "no such filter", time: 0, shared: false };
  const filter = {
    ...{ name: "f", version: "v2", sent: "v2", acked: isRefusing ? "v1" : "v2", acceptedAt: null },
    state: isRefusing ? ("rejected" as const) : ("synced" as const),
    rejection: isRefusing ? rejection : null,
  };
  return {
    node: {
      ...{ id: `${service}-${i % 500}`, cluster: service, metadata: {}, features: [], hasWasm: true },
      ...{ userAgentName: "envoy", userAgentVersion: "1.40.0", locality: { region: "", zone: "", subZone: "" } },
    },
    ...{ connected: true, since: 0, lastSeen: 0, protocol: "delta", peer: "127.0.0.1", streams: 1 },
    types: [
      {
        typeUrl: isRefusing ? TypeUrl.extensionConfig : TypeUrl.cluster,
        version: "v2",
        requested: true,
        ackedAt: 0,
        resources: isRefusing ? [filter] : [],
      },
    ],
  };
}
