import type { JsonObject } from "@bufbuild/protobuf";
import type { Resource, ResourceState, ResourceStatus } from "../xds/index.ts";
import { inspectNode, type InspectSource } from "./node.ts";
import { resourceJson } from "./resource-json.ts";

/** Everything that a sidecar would be served now, and what became of it. Times are ISO 8601. */
export interface ConfigDump {
  readonly node: string;
  readonly service: string;
  readonly connected: boolean;
  /** Such as `1.40.0`; absent while it is not connected. */
  readonly envoy?: string;
  /** Why it is served nothing. */
  readonly reason?: string;
  readonly types: readonly TypeDump[];
}

export interface TypeDump {
  /** Such as `envoy.config.cluster.v3.Cluster`. */
  readonly type: string;
  readonly version: string;
  /** Whether the sidecar has asked for this type. */
  readonly requested: boolean;
  readonly resources: readonly ResourceDump[];
}

/** How a sidecar stands to a resource. */
export interface Standing {
  /** Absent for a sidecar that was not connected lately. */
  readonly state?: ResourceState;
  /** The version last sent. */
  readonly sent?: string;
  /** The version that it has accepted. */
  readonly acked?: string;
  /** When it accepted that; absent for what it had when it connected. */
  readonly acceptedAt?: string;
  readonly rejection?: {
    readonly version: string;
    /** What Envoy says. */
    readonly message: string;
    readonly at: string;
    /** Whether the response held other resources, any of which may be the culprit. */
    readonly shared: boolean;
  };
}

export interface ResourceDump extends Standing {
  readonly name: string;
  /** Null for a resource that it is to have no longer. */
  readonly version: string | null;
  readonly resource: JsonObject | null;
}

export interface DumpOptions {
  /** Only this type. */
  readonly typeUrl?: string;
  /** Whether the configurations of Wasm filters are shown, as far as their keys and values do not look like secrets. */
  readonly showsConfigurations: boolean;
}

/**
 * @throws UnknownError when there is no such node.
 */
export function dumpConfig(source: InspectSource, id: string, options: DumpOptions): ConfigDump {
  const { typeUrl, showsConfigurations } = options;
  const { node, snapshot, view, status } = inspectNode(source, id);
  const sets = [...(snapshot?.sets.values() ?? [])].filter((set) => typeUrl === undefined || set.typeUrl === typeUrl);
  const found = source.release?.translation.snapshotFor(node);
  return {
    node: node.id,
    service: node.cluster,
    connected: view?.connected ?? false,
    ...(node.userAgentVersion === "" ? {} : { envoy: node.userAgentVersion }),
    ...(found !== undefined && found.snapshot === undefined ? { reason: found.reason } : {}),
    types: sets.map((set): TypeDump => {
      const type = status.get(set.typeUrl);
      const standings = new Map(type?.resources.map((one) => [one.name, one]));
      const gone = [...standings.keys()].filter((name) => !set.resources.has(name));
      return {
        type: set.typeUrl.slice(set.typeUrl.indexOf("/") + 1),
        version: set.version,
        requested: type?.requested ?? false,
        resources: [
          ...Array.from(set.resources.values(), (resource) => ({
            ...dumpResource(resource, standings.get(resource.name)),
            resource: resourceJson(resource, {
              showsConfigurations,
              origins: source.release?.translation.originsOf(resource) ?? [],
            }),
          })),
          ...gone.map((name): ResourceDump => ({
            name,
            version: null,
            ...standingOf(standings.get(name)),
            resource: null,
          })),
        ],
      };
    }),
  };
}

function dumpResource({ name, version }: Resource, status: ResourceStatus | undefined): Omit<ResourceDump, "resource"> {
  return { name, version, ...standingOf(status) };
}

export function standingOf(status: ResourceStatus | undefined): Standing {
  if (status === undefined) return {};
  const { state, sent, acked, acceptedAt, rejection } = status;
  return {
    state,
    ...(sent === null ? {} : { sent }),
    ...(acked === null ? {} : { acked }),
    ...(acceptedAt === null ? {} : { acceptedAt: new Date(acceptedAt).toISOString() }),
    ...(rejection === null
      ? {}
      : {
          rejection: {
            version: rejection.version,
            message: rejection.message.trim(),
            at: new Date(rejection.time).toISOString(),
            shared: rejection.shared,
          },
        }),
  };
}
