import { fromBinary } from "@bufbuild/protobuf";

import type { Node } from "#gen/envoy/config/core/v3/base_pb.js";
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from "#gen/envoy/service/discovery/v3/discovery_pb.js";
import type { Status } from "#gen/google/rpc/status_pb.js";

import type { DeltaRequest } from "./delta.ts";
import type { NodeInfo } from "./node.ts";
import type { SotwRequest } from "./sotw.ts";

/** A request with the node that it names; only the first of a stream needs to. */
export interface Decoded<Request> {
  readonly node: NodeInfo | undefined;
  readonly request: Request;
}

/** Envoy's messages for a rejection can be as long as the configuration; what is kept of them is not. */
const MAX_ERROR_LENGTH = 4_096;

/** How an Envoy with Wasm names the filter among its extensions. */
const WASM_FILTER = "envoy.filters.http.wasm";

/** Reads a serialized `DiscoveryRequest`. @throws an Error on bytes that are none. */
export function decodeSotw(bytes: Uint8Array): Decoded<SotwRequest> {
  const { node, typeUrl, resourceNames, versionInfo, responseNonce, errorDetail } = fromBinary(
    DiscoveryRequestSchema,
    bytes,
  );
  return {
    node: node && nodeInfo(node),
    request: { typeUrl, names: resourceNames, version: versionInfo, nonce: responseNonce, ...errorOf(errorDetail) },
  };
}

/** Reads a serialized `DeltaDiscoveryRequest`. @throws an Error on bytes that are none. */
export function decodeDelta(bytes: Uint8Array): Decoded<DeltaRequest> {
  const message = fromBinary(DeltaDiscoveryRequestSchema, bytes);
  return {
    node: message.node && nodeInfo(message.node),
    request: {
      typeUrl: message.typeUrl,
      subscribe: message.resourceNamesSubscribe,
      unsubscribe: message.resourceNamesUnsubscribe,
      initialVersions: new Map(Object.entries(message.initialResourceVersions)),
      nonce: message.responseNonce,
      ...errorOf(message.errorDetail),
    },
  };
}

function errorOf(detail: Status | undefined): { readonly error?: string } {
  if (detail === undefined) return {};
  const { message } = detail;
  return { error: message.length > MAX_ERROR_LENGTH ? `${message.slice(0, MAX_ERROR_LENGTH)}...` : message };
}

/** The part of a node that a control plane decides by. */
export function nodeInfo(node: Node): NodeInfo {
  const { userAgentVersionType: agent, locality } = node;
  return {
    id: node.id,
    cluster: node.cluster,
    metadata: node.metadata ?? {},
    locality: { region: locality?.region ?? "", zone: locality?.zone ?? "", subZone: locality?.subZone ?? "" },
    userAgentName: node.userAgentName,
    userAgentVersion: agent.case === "userAgentVersion" ? agent.value : buildVersion(agent.value),
    ...(node.extensions.length === 0 ? {} : { hasWasm: node.extensions.some(({ name }) => name === WASM_FILTER) }),
    features: node.clientFeatures,
  };
}

function buildVersion(build: Exclude<Node["userAgentVersionType"]["value"], string>): string {
  const version = build?.version;
  return version ? `${version.majorNumber}.${version.minorNumber}.${version.patch}` : "";
}
