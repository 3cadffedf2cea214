import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, test } from "node:test";

import { ServerCredentials, status as Code } from "@grpc/grpc-js";

import { Fleet } from "../fleet/index.ts";
import { createResource, createSnapshot, type Snapshot, TypeUrl, XdsServer } from "./index.ts";
import { type DeltaWire, deltaWire, type SotwWire, sotwWire } from "./testdata/client.ts";
import { resource } from "./testdata/script.ts";

const NODE = { id: "n", cluster: "c", locality: { zone: "z" }, metadata: { role: "edge" } };
const { cluster, secret } = TypeUrl;

let snapshot: Snapshot | undefined;
let fleet: Fleet;
let server: XdsServer;
let port: number;
let errors: unknown[];
const streams: (SotwWire | DeltaWire)[] = [];

beforeEach(async () => {
  errors = [];
  snapshot = createSnapshot([resource("CDS", "a@1"), resource("CDS", "b@1")]);
  fleet = new Fleet();
  server = new XdsServer({
    source: {
      snapshot: (node) => {
        if (node.id === "trouble") throw new Error("no such node");
        return snapshot;
      },
    },
    observer: fleet,
    authorize: (node) => (node.id === "stranger" ? "stranger may not connect" : undefined),
    onError: (error) => errors.push(error),
    maxNames: 3,
    maxRequestBytes: 100_000,
  });
  port = await server.listen("127.0.0.1:0", ServerCredentials.createInsecure());
});

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await server.close();
});

function sotw(path?: string): SotwWire {
  const stream = sotwWire(port, path);
  streams.push(stream);
  return stream;
}

function delta(path?: string): DeltaWire {
  const stream = deltaWire(port, path);
  streams.push(stream);
  return stream;
}

function serve(...texts: string[]): void {
  snapshot = createSnapshot(texts.map((text) => resource("CDS", text)));
  server.update();
}

test("state of the world: a response, its acknowledgement, an update; R2: the node comes once", async () => {
  const stream = sotw().send({ node: NODE, typeUrl: cluster });
  const first = await stream.next();
  assert.equal(first.resources.length, 2);
  assert.equal(first.typeUrl, cluster);
  assert.equal(first.resources[0]?.typeUrl, cluster);
  stream.send({ typeUrl: cluster, versionInfo: first.versionInfo, responseNonce: first.nonce });
  await once(fleet, "acked");
  serve("a@2", "b@1");
  const second = await stream.next();
  assert.notEqual(second.versionInfo, first.versionInfo);
  assert.notEqual(second.nonce, first.nonce);
  assert.equal(second.resources.length, 2);
  assert.deepEqual(fleet.node("n")?.node, {
    id: "n",
    cluster: "c",
    metadata: { role: "edge" },
    locality: { region: "", zone: "z", subZone: "" },
    userAgentName: "",
    userAgentVersion: "",
    features: [],
  });
});

test("incremental: resources with their versions, and removals", async () => {
  const stream = delta().send({ node: NODE, typeUrl: cluster });
  const first = await stream.next();
  assert.deepEqual(
    first.resources.map(({ name, version }) => `${name}@${version}`),
    ["a@1", "b@1"],
  );
  assert.equal(first.resources[0]?.resource?.typeUrl, cluster);
  stream.send({ typeUrl: cluster, responseNonce: first.nonce });
  await once(fleet, "acked");
  serve("a@2");
  const second = await stream.next();
  assert.deepEqual(
    second.resources.map(({ name, version }) => `${name}@${version}`),
    ["a@2"],
  );
  assert.deepEqual(second.removedResources, ["b"]);
});

test("R13, R17: a client that reconnects with what it has gets nothing it has", async () => {
  const before = sotw().send({ node: NODE, typeUrl: cluster });
  const { versionInfo } = await before.next();
  before.close();
  snapshot = createSnapshot([resource("CDS", "a@1"), resource("CDS", "b@1"), resource("SDS", "s@1")]);
  const again = sotw().send({ node: NODE, typeUrl: cluster, versionInfo }).send({ typeUrl: secret });
  assert.equal((await again.next()).typeUrl, secret);
  const resumed = delta()
    .send({ node: NODE, typeUrl: cluster, initialResourceVersions: { a: "1", b: "1" } })
    .send({ typeUrl: secret });
  assert.equal((await resumed.next()).typeUrl, secret);
});

test("R7: a rejection reaches the fleet, with its message", async () => {
  const stream = delta().send({ node: NODE, typeUrl: cluster });
  const { nonce } = await stream.next();
  stream.send({ typeUrl: cluster, responseNonce: nonce, errorDetail: { code: 13, message: "bad cluster" } });
  const [outcome] = (await once(fleet, "rejected")) as [{ nodeId: string; message: string }];
  assert.equal(outcome.nodeId, "n");
  assert.equal(outcome.message, "bad cluster");
});

test("R1, R3: a service of one type serves it without being told the type", async () => {
  const stream = sotw("/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters").send({ node: NODE });
  assert.equal((await stream.next()).typeUrl, cluster);
  const incremental = delta("/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters").send({ node: NODE });
  assert.equal((await incremental.next()).resources.length, 2);
});

test("R27: a type nobody knows gets no answer and does not end the stream", async () => {
  const stream = sotw().send({ node: NODE, typeUrl: "type.googleapis.com/unknown" }).send({ typeUrl: cluster });
  assert.equal((await stream.next()).typeUrl, cluster);
});

const WRONG: [what: string, send: (stream: SotwWire) => unknown, code: Code, details: RegExp][] = [
  ["R3: no type_url on an aggregated stream", (s) => s.send({ node: NODE }), Code.INVALID_ARGUMENT, /type_url is req/],
  ["R2: no node", (s) => s.send({ typeUrl: cluster }), Code.INVALID_ARGUMENT, /node.id is missing/],
  ["R2: no node id", (s) => s.send({ node: {}, typeUrl: cluster }), Code.INVALID_ARGUMENT, /node.id is missing/],
  ["bytes that are no message", (s) => s.sendBytes(Buffer.alloc(50, 0xff)), Code.INVALID_ARGUMENT, /cannot be read/],
  ["groups that nest", (s) => s.sendBytes(Buffer.alloc(20_000, 0x3b)), Code.INVALID_ARGUMENT, /cannot be read/],
  ["invalid UTF-8", (s) => s.sendBytes(Buffer.from([0x22, 1, 0xff])), Code.INVALID_ARGUMENT, /cannot be read/],
  ["a long request", (s) => s.sendBytes(Buffer.alloc(100_001)), Code.RESOURCE_EXHAUSTED, /larger than max/],
  [
    "R2: another node later",
    (s) => s.send({ node: NODE, typeUrl: secret }).send({ node: { ...NODE, id: "other" }, typeUrl: secret }),
    Code.INVALID_ARGUMENT,
    /cannot change: it began as n/,
  ],
  [
    "R2: the node in another cluster later",
    (s) => s.send({ node: NODE, typeUrl: secret }).send({ node: { ...NODE, cluster: "d" }, typeUrl: secret }),
    Code.INVALID_ARGUMENT,
    /cannot change/,
  ],
  [
    "many names",
    (s) => s.send({ node: NODE, typeUrl: secret, resourceNames: ["a", "b", "c", "d"] }),
    Code.RESOURCE_EXHAUSTED,
    /more than 3 names/,
  ],
  [
    "a node it may not be",
    (s) => s.send({ node: { id: "stranger" }, typeUrl: cluster }),
    Code.PERMISSION_DENIED,
    /stranger/,
  ],
];

for (const [what, send, code, details] of WRONG) {
  test(`a client's mistake ends its stream with a reason, and no other: ${what}`, async () => {
    const other = sotw().send({ node: NODE, typeUrl: cluster });
    const stream = sotw();
    send(stream);
    const ended = await stream.ended;
    assert.equal(ended.code, code, ended.details);
    assert.match(ended.details, details);
    assert.equal((await other.next()).resources.length, 2);
  });
}

test("R3: a service of one type refuses another", async () => {
  const stream = sotw("/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters");
  stream.send({ node: NODE, typeUrl: secret });
  assert.equal((await stream.ended).code, Code.INVALID_ARGUMENT);
});

test("a fault of the snapshot source ends the stream, and is told to the owner only", async () => {
  const stream = sotw().send({ node: { id: "trouble" }, typeUrl: cluster });
  const ended = await stream.ended;
  assert.equal(ended.code, Code.INTERNAL);
  assert.doesNotMatch(ended.details, /no such node/);
  assert.match(String(errors[0]), /no such node/);
});

test("too many types end the stream", async () => {
  const stream = sotw().send({ node: NODE, typeUrl: cluster });
  for (let i = 0; i < 70; i++) stream.send({ typeUrl: `type.googleapis.com/unknown.${i}` });
  assert.equal((await stream.ended).code, Code.RESOURCE_EXHAUSTED);
});

test("a client that does not read costs one buffer, and gets the latest of everything else once it reads", async () => {
  const big = createResource("big", secret, Buffer.alloc(3_000_000), { version: "1" });
  snapshot = createSnapshot([big, resource("CDS", "a@1")]);
  const stream = delta();
  stream.pause();
  stream.send({ node: NODE, typeUrl: secret }).send({ typeUrl: cluster });
  await once(fleet, "connected");
  for (let version = 2; version <= 20; version++) {
    snapshot = createSnapshot([big, resource("CDS", `a@${version}`)]);
    server.update();
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.resume();
  assert.equal((await stream.next()).resources[0]?.name, "big");
  assert.equal((await stream.next()).resources[0]?.version, "20");
});

test("only the nodes that are named look again", async () => {
  const one = delta().send({ node: { id: "one" }, typeUrl: cluster });
  const two = delta().send({ node: { id: "two" }, typeUrl: cluster });
  for (const stream of [one, two]) stream.send({ typeUrl: cluster, responseNonce: (await stream.next()).nonce });
  snapshot = createSnapshot([resource("CDS", "a@2"), resource("CDS", "b@1")]);
  server.update(["two"]);
  assert.equal((await two.next()).resources[0]?.name, "a");
  assert.equal(one.waiting, 0);
  server.update();
  assert.equal((await one.next()).resources[0]?.name, "a");
});

test("two streams with the same node id are both served, and the latest is the one shown", async () => {
  const one = sotw().send({ node: NODE, typeUrl: cluster });
  await one.next();
  const two = delta().send({ node: NODE, typeUrl: cluster });
  await two.next();
  assert.equal(fleet.node("n")?.protocol, "delta");
  assert.equal(fleet.node("n")?.streams, 2);
  two.halfClose();
  assert.equal((await two.ended).code, Code.OK);
  assert.equal(fleet.node("n")?.protocol, "sotw");
  one.close();
  await once(fleet, "disconnected");
  assert.equal(fleet.node("n")?.connected, false);
});

test("closing the server tells clients to go elsewhere", async () => {
  const stream = sotw().send({ node: NODE, typeUrl: cluster });
  await stream.next();
  const closed = server.close();
  assert.equal((await stream.ended).code, Code.UNAVAILABLE);
  await closed;
});

test("an address that cannot be had is an error with the address", async () => {
  const other = new XdsServer({ source: { snapshot: () => undefined }, observer: fleet });
  await assert.rejects(other.listen(`127.0.0.1:${port}`, ServerCredentials.createInsecure()), /cannot listen on 127/);
  await other.close();
});
