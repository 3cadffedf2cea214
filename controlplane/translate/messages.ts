import { create, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs, StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { AddressSchema } from "#gen/envoy/config/core/v3/address_pb.js";
import type { Address } from "#gen/envoy/config/core/v3/address_pb.js";
import {
  AggregatedConfigSourceSchema,
  ApiVersion,
  ConfigSourceSchema,
} from "#gen/envoy/config/core/v3/config_source_pb.js";
import type { ConfigSource } from "#gen/envoy/config/core/v3/config_source_pb.js";
import { createResource } from "../xds/index.ts";
import type { Resource } from "../xds/index.ts";

/** Encodes a message into a resource. Fields are written in the order of their numbers, so equal messages give equal bytes. */
export function resourceOf<Desc extends DescMessage>(
  schema: Desc,
  name: string,
  message: MessageShape<Desc>,
): Resource {
  return createResource(name, typeUrlOf(schema), toBinary(schema, message));
}

export function typeUrlOf(schema: DescMessage): string {
  return `type.googleapis.com/${schema.typeName}`;
}

/** The aggregated stream that the sidecar has already. */
export function fromAds(initialFetchTimeoutMs?: number): ConfigSource {
  const ads = { case: "ads", value: create(AggregatedConfigSourceSchema) } as const;
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: ads,
    ...(initialFetchTimeoutMs === undefined ? {} : { initialFetchTimeout: durationFromMs(initialFetchTimeoutMs) }),
  });
}

export function socketAddress(address: string, port: number): Address {
  return create(AddressSchema, {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  });
}

/** Text as the configuration of a Wasm plugin or VM: Envoy hands the value of a StringValue to the module as it is. */
export function packText(text: string): Any {
  return anyPack(StringValueSchema, create(StringValueSchema, { value: text }));
}
