import { create, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";

import { Cluster_DiscoveryType, ClusterSchema } from "../../controlplane/gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../controlplane/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../../controlplane/gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../../controlplane/gen/envoy/config/route/v3/route_pb.js";
import { Fleet } from "../../controlplane/fleet/index.ts";
import {
  createResource,
  createResourceSet,
  type Resource,
  type ResourceSet,
  type Snapshot,
  snapshotOf,
  TypeUrl,
  XdsServer,
} from "../../controlplane/xds/index.ts";
import { addAdapterService, type Named, type Target } from "./adapter-service.ts";

const TYPES: readonly string[] = [TypeUrl.cluster, TypeUrl.endpoint, TypeUrl.listener, TypeUrl.route];

/** What the suite wants served, by node. The versions are the suite's, of each type and of each resource in it. */
class SuiteState implements Target {
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #changed: (node: string) => void;

  constructor(changed: (node: string) => void) {
    this.#changed = changed;
  }

  snapshot(node: string): Snapshot | undefined {
    return this.#snapshots.get(node);
  }

  setState(node: string, version: string, resources: readonly Named[]): void {
    const sets = TYPES.map((typeUrl) => {
      const named = resources.filter((resource) => resource.typeUrl === typeUrl);
      return setOf(
        typeUrl,
        version,
        named.map((resource) => make(resource, version)),
      );
    });
    this.#serve(node, sets);
  }

  clearState(node: string): void {
    this.#snapshots.delete(node);
  }

  updateResource(node: string, resource: Named, version: string): void {
    const known = this.#set(node, resource.typeUrl).resources.has(resource.name);
    if (!known) throw new Error(`there is no ${resource.typeUrl} named ${resource.name} to update`);
    this.addResource(node, resource, version);
  }

  addResource(node: string, { typeUrl, name }: Named, version: string): void {
    const { resources } = this.#set(node, typeUrl);
    const changed = new Map(resources).set(name, make({ typeUrl, name }, version));
    this.#replace(node, setOf(typeUrl, version, changed.values()));
  }

  removeResource(node: string, { typeUrl, name }: Named, version: string): void {
    const { resources } = this.#set(node, typeUrl);
    const left = [...resources.values()].filter((resource) => resource.name !== name);
    this.#replace(node, setOf(typeUrl, version, left));
  }

  #set(node: string, typeUrl: string): ResourceSet {
    const set = this.#snapshots.get(node)?.sets.get(typeUrl);
    if (set === undefined) throw new Error(`${node} is served no ${typeUrl}`);
    return set;
  }

  #replace(node: string, set: ResourceSet): void {
    const sets = new Map(this.#snapshots.get(node)?.sets).set(set.typeUrl, set);
    this.#serve(node, sets.values());
  }

  #serve(node: string, sets: Iterable<ResourceSet>): void {
    this.#snapshots.set(node, snapshotOf(sets));
    this.#changed(node);
  }
}

/** The version of a set in the state of the world is the suite's too. */
function setOf(typeUrl: string, version: string, resources: Iterable<Resource>): ResourceSet {
  return createResourceSet(typeUrl, resources, version);
}

function make({ typeUrl, name }: Named, version: string): Resource {
  return createResource(name, typeUrl, body(typeUrl, name), { version });
}

function body(typeUrl: string, name: string): Uint8Array {
  switch (typeUrl) {
    case TypeUrl.cluster: {
      const type = { case: "type", value: Cluster_DiscoveryType.EDS } as const;
      return toBinary(ClusterSchema, create(ClusterSchema, { name, clusterDiscoveryType: type }));
    }
    case TypeUrl.endpoint:
      return toBinary(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, { clusterName: name }));
    case TypeUrl.listener:
      return toBinary(ListenerSchema, create(ListenerSchema, { name }));
    case TypeUrl.route:
      return toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name }));
    default:
      throw new Error(`${typeUrl} is none of the types of the suite`);
  }
}

export interface RunningAdapter {
  readonly target: number;
  readonly adapter: number;
  close(): Promise<void>;
}

/** Starts both servers on loopback; port 0 takes any free one. */
export async function startAdapter(targetPort: number, adapterPort: number): Promise<RunningAdapter> {
  const state = new SuiteState((node) => xds.update([node]));
  const xds = new XdsServer({ source: { snapshot: ({ id }) => state.snapshot(id) }, observer: new Fleet() });
  const adapter = new Server();
  addAdapterService(adapter, state);
  const listening = new Promise<number>((resolve, reject) => {
    adapter.bindAsync(`127.0.0.1:${adapterPort}`, ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
  return {
    target: await xds.listen(`127.0.0.1:${targetPort}`, ServerCredentials.createInsecure()),
    adapter: await listening,
    close: async () => {
      adapter.forceShutdown();
      await xds.close();
    },
  };
}
