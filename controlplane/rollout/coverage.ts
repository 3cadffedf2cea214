import type { NodeInfo } from "../xds/index.ts";
import { LISTENERS } from "../fleet/index.ts";
import type { EnvoyPatchSpec, FilterPolicySpec, TelemetrySpec } from "../model/index.ts";
import { whyNoFilters, whyNotOfService, type SidecarPlace } from "../translate/index.ts";
import type { Listeners } from "./measure.ts";
import type { Sidecar } from "./sidecars.ts";
import type { Version, VersionedResource } from "./version.ts";

/** Whether a sidecar may be served something else by one of these versions than by another. */
export function covers(versions: readonly Version[], place: SidecarPlace): boolean {
  return versions.some(({ resources }) => resources.some((resource) => reaches(resource, place)));
}

function reaches({ kind, metadata, spec }: VersionedResource, { service, sidecar }: SidecarPlace): boolean {
  const own = service.metadata.name;
  const isCaller = sidecar.outboundPort !== undefined;
  switch (kind) {
    case "FilterPolicy":
    case "EnvoyPatch":
    case "Telemetry": {
      const { targetRefs } = spec as FilterPolicySpec | EnvoyPatchSpec | TelemetrySpec;
      return targetRefs?.some(({ name }) => name === own) ?? true;
    }
    case "HTTPRoute":
    case "GRPCRoute":
      return isCaller;
    case "Service":
      return metadata.name === own || isCaller;
    case "Mesh":
      return true;
  }
}

/** The listeners whose requests show what these versions do. */
export function listenersOf(versions: readonly Version[]): Listeners {
  return [...new Set(versions.flatMap(({ resources }) => resources.flatMap(shownAt)))];
}

/** Whether the old version has no filter, and the new one has. */
export function isFirstFilter([old, fresh]: readonly Version[]): boolean {
  const hasFilter = (version: Version | undefined): boolean =>
    version?.resources.some(({ kind }) => kind === "FilterPolicy") === true;
  return hasFilter(fresh) && !hasFilter(old);
}

function shownAt({ kind, spec }: VersionedResource): Listeners {
  switch (kind) {
    case "FilterPolicy":
      return (spec as FilterPolicySpec).direction === "Inbound" ? ["inbound"] : ["outbound"];
    case "HTTPRoute":
    case "GRPCRoute":
      return ["outbound"];
    case "EnvoyPatch":
      return (spec as EnvoyPatchSpec).patches.flatMap((patch) => {
        const direction = patch.operation === "AddResource" ? undefined : patch.target.direction;
        return direction === undefined ? LISTENERS : direction === "Inbound" ? ["inbound"] : ["outbound"];
      });
    case "Service":
    case "Telemetry":
    case "Mesh":
      return LISTENERS;
  }
}

/**
 * A sidecar as rollouts see it.
 * @param info what it says of itself; undefined if it never connected.
 * @param versions what it may be unable to run.
 */
export function sidecarOf(place: SidecarPlace, info: NodeInfo | undefined, versions: readonly Version[]): Sidecar {
  const { service, endpoint, sidecar } = place;
  const unable = info && (whyNotOfService(info, place) ?? whyUnable(info, versions));
  return {
    node: sidecar.node,
    service: service.metadata.name,
    region: info?.locality.region || (endpoint.locality?.region ?? ""),
    zone: info?.locality.zone || (endpoint.locality?.zone ?? ""),
    envoy: info?.userAgentVersion ?? "",
    labels: info === undefined ? {} : textsOf(info.metadata),
    ...(unable === undefined ? {} : { unable }),
  };
}

function whyUnable(info: NodeInfo, versions: readonly Version[]): string | undefined {
  if (!versions.some(({ resources }) => resources.some(({ kind }) => kind === "FilterPolicy"))) return undefined;
  return whyNoFilters(info);
}

function textsOf(metadata: NodeInfo["metadata"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
