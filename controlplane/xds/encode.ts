import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";

import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "#gen/envoy/service/discovery/v3/discovery_pb.js";

import type { Resource } from "./resource.ts";
import type { Send } from "./stream.ts";

/*
 * Serialized messages that stand one after the other are one message, with their repeated fields appended. So a
 * response is a small header for this stream, and then parts that are serialized once and shared by all streams.
 */

const sotwParts = new WeakMap<Resource, Uint8Array>();
const deltaParts = new WeakMap<Resource, Uint8Array>();

/** A serialized `envoy.service.discovery.v3.DiscoveryResponse`. */
export function encodeSotw({ typeUrl, version, nonce, resources }: Send): Buffer {
  const header = create(DiscoveryResponseSchema, { typeUrl, versionInfo: version, nonce });
  const parts = resources.map((resource) => once(sotwParts, resource, sotwPart));
  return Buffer.concat([toBinary(DiscoveryResponseSchema, header), ...parts]);
}

/** A serialized `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
export function encodeDelta({ typeUrl, version, nonce, resources, removed }: Send): Buffer {
  const header = create(DeltaDiscoveryResponseSchema, {
    typeUrl,
    systemVersionInfo: version,
    nonce,
    removedResources: [...removed],
  });
  const parts = resources.map((resource) => once(deltaParts, resource, deltaPart));
  return Buffer.concat([toBinary(DeltaDiscoveryResponseSchema, header), ...parts]);
}

function sotwPart({ body }: Resource): Uint8Array {
  const response = create(DiscoveryResponseSchema, { resources: [fromBinary(AnySchema, body)] });
  return toBinary(DiscoveryResponseSchema, response);
}

function deltaPart({ name, version, body }: Resource): Uint8Array {
  const resource = create(ResourceSchema, { name, version, resource: fromBinary(AnySchema, body) });
  return toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, { resources: [resource] }));
}

function once(
  known: WeakMap<Resource, Uint8Array>,
  resource: Resource,
  encode: (from: Resource) => Uint8Array,
): Uint8Array {
  let part = known.get(resource);
  if (part === undefined) {
    part = encode(resource);
    known.set(resource, part);
  }
  return part;
}
