import type { NodeInfo } from "../xds/index.ts";
import type { FilterPolicySpec } from "../model/index.ts";
import { whyNoFilters, type SidecarPlace } from "../translate/index.ts";
import type { Listeners } from "./measure.ts";
import type { Sidecar } from "./sidecars.ts";
import type { Version } from "./version.ts";

/** Whether a sidecar may be served something else by one of these versions than by another. */
export function covers(versions: readonly Version[], { service, sidecar }: SidecarPlace): boolean {
  return versions.some(({ resources }) =>
    resources.some(({ kind, spec }) => {
      if (kind !== "FilterPolicy") return sidecar.outboundPort !== undefined;
      const { targetRefs } = spec as FilterPolicySpec;
      return targetRefs.some(({ name }) => name === service.metadata.name);
    }),
  );
}

/** The listeners whose requests show what these versions do. */
export function listenersOf(versions: readonly Version[]): Listeners {
  const listeners = versions.flatMap(({ resources }) =>
    resources.map(({ kind, spec }) =>
      kind === "FilterPolicy" && (spec as FilterPolicySpec).direction === "Inbound" ? "inbound" : "outbound",
    ),
  );
  return [...new Set(listeners)];
}

/**
 * A sidecar as rollouts see it.
 * @param info what it says of itself; undefined if it never connected.
 * @param versions why it may be unable to run what is new.
 */
export function sidecarOf(
  { service, endpoint, sidecar }: SidecarPlace,
  info: NodeInfo | undefined,
  versions: readonly Version[],
): Sidecar {
  const unable = info && whyUnable(info, versions);
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
