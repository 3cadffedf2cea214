import type { NodeInfo } from "./node.ts";
import type { Protocol } from "./observer.ts";

/** What a stream can be told to keep to, as the client says, or as is known of it. */
export interface ClientSupport {
  /** The client knows of resources that live for a limited time. */
  readonly ttl: boolean;
}

/** `client_features`: it knows of `Resource.ttl`. */
const TTL = "xds.config.supports-resource-ttl";

/** In the state of the world it knows of resources within a `Resource`. Envoy's documents have it under either name. */
const WRAPPED = ["xds.config.resource-in-sotw", "xds.config.supports-resource-in-sotw"];

/**
 * Envoy says nothing of it. In the incremental variant it knows of all this; in the state of the world it crashes when
 * endpoints expire (1.37.0, 1.39.3 and 1.40.0).
 */
const ENVOY = "envoy";

export function clientSupport(protocol: Protocol, { userAgentName, features }: NodeInfo): ClientSupport {
  if (protocol === "delta") return { ttl: userAgentName === ENVOY || features.includes(TTL) };
  return { ttl: features.includes(TTL) && WRAPPED.some((feature) => features.includes(feature)) };
}
