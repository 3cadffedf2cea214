import { readFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { HostPort } from "../../control/index.ts";
import type { AssetReference, Assets, SourceFile } from "../../model/index.ts";
import type { Source, StopWatching } from "../../source/index.ts";

export interface DevMesh {
  readonly rootId: string;
  /** Absolute path of the module. */
  readonly module: string;
  /** The filter's configuration; none when undefined. */
  readonly configuration: unknown;
  readonly upstream: HostPort;
  readonly listener: HostPort;
}

/** Node id and Service of the one sidecar of a mesh for development. */
export const DEV_NODE = "dev-1";
export const DEV_SERVICE = "dev";

/** The resources of a mesh of one sidecar with one filter, held in memory. */
export class DevMeshSource implements Source {
  readonly name = "the filter";
  #text = "";

  set(mesh: DevMesh): void {
    this.#text = resources(mesh)
      .map((resource) => stringify(resource))
      .join("---\n");
  }

  list(): Promise<readonly SourceFile[]> {
    return Promise.resolve([{ path: "filter-dev.yaml", text: this.#text }]);
  }

  readAssets(references: readonly AssetReference[]): Promise<Assets> {
    return Promise.resolve(new Map(references.map(({ path }) => [path, { ok: true }])));
  }

  read(path: string): Promise<Uint8Array> {
    return readFile(path);
  }

  /** Whoever sets the resources tells the control plane to read them. */
  watch(): Promise<StopWatching> {
    return Promise.resolve(() => Promise.resolve());
  }
}

function resources({ rootId, module, configuration, upstream, listener }: DevMesh): object[] {
  const apiVersion = "meshwright.dev/v1alpha1";
  // Not the filter's own name: that need not be fit for a resource.
  const name = "filter";
  const sidecar = { node: DEV_NODE, address: listener.host, inboundPort: listener.port };
  return [
    {
      apiVersion,
      kind: "Service",
      metadata: { name: DEV_SERVICE },
      spec: { port: 80, endpoints: [{ address: upstream.host, port: upstream.port, sidecar }] },
    },
    { apiVersion, kind: "WasmModule", metadata: { name }, spec: { file: module } },
    {
      apiVersion,
      kind: "FilterPolicy",
      metadata: { name },
      spec: {
        targetRefs: [{ kind: "Service", name: DEV_SERVICE }],
        module: name,
        rootId,
        failurePolicy: "FailReload",
        ...(configuration === undefined ? {} : { configuration }),
      },
    },
  ];
}
