import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { JsonValue } from "@bufbuild/protobuf";
import { TypeUrl } from "../../xds/index.ts";
import type { Resource, Snapshot, Variant } from "../../xds/index.ts";
import { resourceJson } from "./fixtures.ts";

/** A real Envoy that has what a snapshot holds, from files: no control plane is in it. */
export interface RunningEnvoy extends AsyncDisposable {
  /** Everything it has logged of level warning and above. */
  readonly complaints: readonly string[];
  /** Replaces a resource, in the form for a listener in service. */
  update(resource: Resource): void;
}

/** Starts Envoy, and waits until its listeners take connections. */
export async function startEnvoy(options: {
  readonly binary: string;
  readonly folder: string;
  readonly node: string;
  readonly snapshot: Snapshot;
  readonly modulesPort: number;
}): Promise<RunningEnvoy> {
  const { binary, folder, node, snapshot, modulesPort } = options;
  mkdirSync(folder, { recursive: true });
  const put = (path: string, typeUrl: string, resources: readonly Pick<Variant, "body">[]): void => {
    const bodies = resources.map((resource) => withFiles(resourceJson(resource), one));
    // Envoy looks at a file again when another one is moved to its place.
    writeFileSync(`${path}.new`, JSON.stringify({ version_info: "1", type_url: typeUrl, resources: bodies }));
    renameSync(`${path}.new`, path);
  };
  const pathOf = (typeUrl: string, name: string): string => {
    return join(folder, `${typeUrl.slice(typeUrl.lastIndexOf(".") + 1)} ${name}.json`);
  };
  const source = (typeUrl: string, resources: readonly Resource[], name = "all"): JsonValue => {
    const path = pathOf(typeUrl, name);
    // The form for a listener that is still warming: this Envoy has just been started.
    put(
      path,
      typeUrl,
      resources.map((resource) => resource.staged?.warming ?? resource),
    );
    // What is not in the file will not come, so there is no point in a long wait for it.
    return { resource_api_version: "V3", initial_fetch_timeout: "0.5s", path_config_source: { path } };
  };
  const one = (typeUrl: string, name: string): JsonValue => {
    const resource = snapshot.sets.get(typeUrl)?.resources.get(name);
    return source(typeUrl, resource === undefined ? [] : [resource], name);
  };
  const all = (typeUrl: string): JsonValue =>
    source(typeUrl, [...(snapshot.sets.get(typeUrl)?.resources.values() ?? [])]);
  const bootstrap = {
    node: { id: node, cluster: "any" },
    dynamic_resources: { cds_config: all(TypeUrl.cluster), lds_config: all(TypeUrl.listener) },
    static_resources: { clusters: [modulesCluster(modulesPort)] },
  };
  writeFileSync(join(folder, "bootstrap.json"), JSON.stringify(bootstrap));
  const args = ["-c", join(folder, "bootstrap.json"), "--use-dynamic-base-id", "--concurrency", "1", "-l", "info"];
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  const complaints: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => {
      if (/\]\[(warning|error|critical)\]/.test(line)) complaints.push(line);
      if (line.includes("all dependencies initialized. starting workers")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`Envoy ended with ${code}:\n${complaints.join("\n")}`)));
  });
  return {
    complaints,
    update: (resource) => put(pathOf(resource.typeUrl, resource.name), resource.typeUrl, [resource]),
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** A resource with every reference to the aggregated stream replaced by one to a file, one for each resource. */
function withFiles(value: JsonValue, file: (typeUrl: string, name: string) => JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => withFiles(item, file));
  if (typeof value !== "object" || value === null) return value;
  const { name, routeConfigName, edsClusterConfig, configDiscovery } = value;
  if (typeof routeConfigName === "string") return { ...value, configSource: file(TypeUrl.route, routeConfigName) };
  if (typeof name === "string" && edsClusterConfig !== undefined) {
    return { ...value, edsClusterConfig: { edsConfig: file(TypeUrl.endpoint, name) } };
  }
  if (typeof name === "string" && typeof configDiscovery === "object" && !Array.isArray(configDiscovery)) {
    return { ...value, configDiscovery: { ...configDiscovery, configSource: file(TypeUrl.extensionConfig, name) } };
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withFiles(part, file)]));
}

function modulesCluster(port: number): JsonValue {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name: "meshwright-modules",
    connect_timeout: "2s",
    load_assignment: {
      cluster_name: "meshwright-modules",
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}
