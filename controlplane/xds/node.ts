import type { JsonObject } from "@bufbuild/protobuf";

/** Who a client says it is: the part of `envoy.config.core.v3.Node` that a control plane decides by. */
export interface NodeInfo {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
  readonly locality: Locality;
  /** Such as `envoy`. */
  readonly userAgentName: string;
  /** Such as `1.40.0`; empty when the client does not say. */
  readonly userAgentVersion: string;
  /** Whether it can run Wasm filters; left out when it does not list what it has. */
  readonly hasWasm?: boolean;
  /** `client_features`, such as `envoy.lb.does_not_support_overprovisioning`. */
  readonly features: readonly string[];
}

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** What a node says as its cluster that does not know its Service, as a pod whose Service may be made later: it is that of its id. */
export const ANY_SERVICE = "*";
