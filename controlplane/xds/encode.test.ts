import assert from "node:assert/strict";
import { test } from "node:test";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#gen/envoy/service/discovery/v3/discovery_pb.js";

import { decodeDelta, decodeSotw } from "./decode.ts";
import { encodeDelta, encodeSotw } from "./encode.ts";
import { createResource, TypeUrl } from "./index.ts";
import { endpointName } from "./references.ts";
import { edsCluster, endpoints } from "./testdata/resources.ts";

const typeUrl = TypeUrl.cluster;
const resources = ["a", "b"].map((name) => createResource(name, typeUrl, Buffer.from(`message ${name}`), `v-${name}`));
const send = { typeUrl, version: "v", nonce: "7", resources, removed: ["c", "d"] };

test("a state-of-the-world response holds its header and every resource", () => {
  for (let time = 0; time < 2; time++) {
    const {
      versionInfo,
      nonce,
      typeUrl: type,
      resources: sent,
    } = fromBinary(DiscoveryResponseSchema, encodeSotw(send));
    assert.deepEqual({ versionInfo, nonce, type }, { versionInfo: "v", nonce: "7", type: typeUrl });
    assert.deepEqual(
      sent.map(({ value }) => Buffer.from(value).toString()),
      ["message a", "message b"],
    );
    assert.ok(sent.every((any) => any.typeUrl === typeUrl));
  }
});

test("an incremental response holds its header, every resource with name and version, and the removals", () => {
  const response = fromBinary(DeltaDiscoveryResponseSchema, encodeDelta(send));
  assert.equal(response.systemVersionInfo, "v");
  assert.equal(response.nonce, "7");
  assert.equal(response.typeUrl, typeUrl);
  assert.deepEqual(response.removedResources, ["c", "d"]);
  assert.deepEqual(
    response.resources.map(({ name, version, resource }) => [
      name,
      version,
      Buffer.from(resource?.value ?? []).toString(),
    ]),
    [
      ["a", "v-a", "message a"],
      ["b", "v-b", "message b"],
    ],
  );
});

test("requests are read with their node, and without", () => {
  const node = {
    id: "n",
    cluster: "c",
    metadata: { deep: { list: [1, null, "x"] } },
    locality: { region: "r", zone: "z", subZone: "s" },
    userAgentName: "envoy",
    userAgentVersionType: {
      case: "userAgentBuildVersion" as const,
      value: { version: { majorNumber: 1, minorNumber: 40, patch: 2 } },
    },
    clientFeatures: ["f"],
  };
  const sotw = create(DiscoveryRequestSchema, {
    node,
    typeUrl,
    resourceNames: ["a"],
    versionInfo: "v",
    responseNonce: "1",
  });
  assert.deepEqual(decodeSotw(toBinary(DiscoveryRequestSchema, sotw)), {
    node: {
      id: "n",
      cluster: "c",
      metadata: { deep: { list: [1, null, "x"] } },
      locality: { region: "r", zone: "z", subZone: "s" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.2",
      features: ["f"],
    },
    request: { typeUrl, names: ["a"], version: "v", nonce: "1" },
  });
  const delta = create(DeltaDiscoveryRequestSchema, {
    typeUrl,
    resourceNamesSubscribe: ["a"],
    resourceNamesUnsubscribe: ["b"],
    initialResourceVersions: { c: "1" },
    errorDetail: { message: "x".repeat(10_000) },
  });
  const { node: none, request } = decodeDelta(toBinary(DeltaDiscoveryRequestSchema, delta));
  assert.equal(none, undefined);
  assert.deepEqual([...request.initialVersions], [["c", "1"]]);
  assert.equal(request.error, `${"x".repeat(4_096)}...`);
});

test("R7: a rejection without a message is a rejection", () => {
  const request = create(DiscoveryRequestSchema, { typeUrl, errorDetail: {} });
  assert.equal(decodeSotw(toBinary(DiscoveryRequestSchema, request)).request.error, "");
});

test("R23: the endpoints that a cluster needs", () => {
  assert.equal(endpointName(edsCluster("a")), "a-endpoints");
  assert.equal(endpointName(endpoints("a", 1)), undefined);
  assert.equal(endpointName(createResource("a", typeUrl, Buffer.alloc(0))), undefined, "a static cluster");
  assert.equal(endpointName(createResource("a", typeUrl, Buffer.from([0xff]))), undefined, "no cluster at all");
});
