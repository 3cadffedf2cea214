import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, AnySchema, durationFromMs } from "@bufbuild/protobuf/wkt";

import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
  type Resource as WireResource,
} from "#gen/envoy/service/discovery/v3/discovery_pb.js";

import type { Resource } from "./resource.ts";
import type { Form, Send } from "./response.ts";

/*
 * Serialized messages that stand one after the other are one message, with their repeated fields appended. So a
 * response is a small header for this stream, and then parts that are serialized once and shared by all streams.
 */

type Parts = WeakMap<Resource, Uint8Array>;

const sotwParts: Record<Form, Parts> = { plain: new WeakMap(), ttl: new WeakMap(), heartbeat: new WeakMap() };
const deltaParts: Record<Form, Parts> = { plain: new WeakMap(), ttl: new WeakMap(), heartbeat: new WeakMap() };

/** A serialized `envoy.service.discovery.v3.DiscoveryResponse`. */
export function encodeSotw({ typeUrl, version, nonce, resources, form }: Send): Buffer {
  const header = create(DiscoveryResponseSchema, { typeUrl, versionInfo: version, nonce });
  return encode(toBinary(DiscoveryResponseSchema, header), sotwParts, resources, form, sotwPart);
}

/** A serialized `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
export function encodeDelta({ typeUrl, version, nonce, resources, removed, form }: Send): Buffer {
  const header = create(DeltaDiscoveryResponseSchema, {
    typeUrl,
    systemVersionInfo: version,
    nonce,
    removedResources: [...removed],
  });
  return encode(toBinary(DeltaDiscoveryResponseSchema, header), deltaParts, resources, form, deltaPart);
}

function sotwPart(resource: Resource, form: Form): Uint8Array {
  const any = form === "plain" ? fromBinary(AnySchema, resource.body) : anyPack(ResourceSchema, wire(resource, form));
  return toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources: [any] }));
}

function deltaPart(resource: Resource, form: Form): Uint8Array {
  const resources = [wire(resource, form)];
  return toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, { resources }));
}

function wire({ name, version, aliases, ttlMs, body }: Resource, form: Form): WireResource {
  return create(ResourceSchema, {
    name,
    version,
    ...(aliases === undefined ? {} : { aliases: [...aliases] }),
    ...(form === "plain" || ttlMs === undefined ? {} : { ttl: durationFromMs(ttlMs) }),
    ...(form === "heartbeat" || body.length === 0 ? {} : { resource: fromBinary(AnySchema, body) }),
  });
}

function encode(
  header: Uint8Array,
  known: Record<Form, Parts>,
  resources: readonly Resource[],
  form: Form,
  part: (resource: Resource, form: Form) => Uint8Array,
): Buffer {
  const parts = resources.map((resource) => {
    // What lives without limit is written in one way for all clients.
    const as = resource.ttlMs === undefined ? "plain" : form;
    let bytes = known[as].get(resource);
    if (bytes === undefined) known[as].set(resource, (bytes = part(resource, as)));
    return bytes;
  });
  return Buffer.concat([header, ...parts]);
}
