import assert from "node:assert/strict";
import { test } from "node:test";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";

import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "#gen/envoy/service/discovery/v3/discovery_pb.js";

import { decodeDelta, decodeSotw } from "./decode.ts";
import { encodeDelta, encodeSotw } from "./encode.ts";
import { createResource, TypeUrl } from "./index.ts";
import type { Send } from "./response.ts";
import { endpointName } from "./references.ts";
import { edsCluster, endpoints } from "./testdata/resources.ts";

const typeUrl = TypeUrl.cluster;
const resources = ["a", "b"].map((name) =>
  createResource(name, typeUrl, Buffer.from(`message ${name}`), { version: `v-${name}` }),
);
const send: Send = { typeUrl, version: "v", nonce: "7", resources, removed: ["c", "d"], form: "plain" };

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

test("R20, R25: aliases, times to live and heartbeats, for a client that knows of them and for one that does not", () => {
  const mortal = createResource("m", typeUrl, Buffer.from("message m"), {
    version: "v-m",
    ttlMs: 1_500,
    aliases: ["n", "o"],
  });
  const read = (form: Send["form"]) => ({
    delta: fromBinary(DeltaDiscoveryResponseSchema, encodeDelta({ ...send, resources: [mortal], form })).resources[0],
    sotw: fromBinary(DiscoveryResponseSchema, encodeSotw({ ...send, resources: [mortal], form })).resources[0],
  });
  const unwrap = (any: Any | undefined) => any && anyUnpack(any, ResourceSchema);

  const plain = read("plain");
  assert.deepEqual(plain.delta?.aliases, ["n", "o"]);
  assert.equal(plain.delta.ttl, undefined);
  assert.equal(plain.sotw?.typeUrl, typeUrl);

  const limited = read("ttl");
  for (const resource of [limited.delta, unwrap(limited.sotw)]) {
    assert.equal(resource?.name, "m");
    assert.equal(resource.version, "v-m");
    assert.equal(resource.ttl && durationMs(resource.ttl), 1_500);
    assert.equal(resource.resource?.typeUrl, typeUrl);
    assert.equal(Buffer.from(resource.resource.value).toString(), "message m");
  }

  const heartbeat = read("heartbeat");
  for (const resource of [heartbeat.delta, unwrap(heartbeat.sotw)]) {
    assert.equal(resource?.version, "v-m");
    assert.equal(resource.ttl && durationMs(resource.ttl), 1_500);
    assert.equal(resource.resource, undefined);
  }
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
