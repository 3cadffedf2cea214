import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, ServerCredentials, type ServiceError, status as Code } from "@grpc/grpc-js";

import {
  type ClientConfig,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from "#gen/envoy/service/status/v3/csds_pb.js";

import { createSnapshot, XdsServer } from "../xds/index.ts";
import { type DeltaWire, deltaWire, WireStream } from "../xds/testdata/client.ts";
import { resource, Type } from "../xds/testdata/script.ts";
import { addClientStatusService, Fleet } from "./index.ts";

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService";

let server: XdsServer;
let fleet: Fleet;
let client: Client;
let port: number;
let served = createSnapshot([]);
const streams: { close(): void }[] = [];

beforeEach(async () => {
  fleet = new Fleet();
  server = new XdsServer({ source: { snapshot: () => served }, observer: fleet });
  addClientStatusService(server.grpc, fleet, {
    authorize: ({ metadata }) => (metadata.get("who")[0] === "stranger" ? "strangers may not look" : undefined),
  });
  port = await server.listen("127.0.0.1:0", ServerCredentials.createInsecure());
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  client.close();
  await server.close();
});

type Request = MessageInitShape<typeof ClientStatusRequestSchema>;

async function fetchStatus(request: Request | Buffer = {}, metadata = new Metadata()): Promise<ClientConfig[]> {
  const bytes = Buffer.isBuffer(request)
    ? request
    : Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, request)));
  const asIs = (buffer: Buffer): Buffer => buffer;
  const call = (done: (error: ServiceError | null, response?: Buffer) => void): void => {
    client.makeUnaryRequest(`${SERVICE}/FetchClientStatus`, asIs, asIs, bytes, metadata, done);
  };
  const response = await promisify(call)();
  return fromBinary(ClientStatusResponseSchema, response ?? Buffer.alloc(0)).config;
}

/** Each entry as `name STATUS version`, and what went wrong with it. */
function lines(config: ClientConfig | undefined): string[] {
  return (config?.genericXdsConfigs ?? []).map(({ name, configStatus, versionInfo, errorState }) =>
    [name, ConfigStatus[configStatus], versionInfo, errorState && `${errorState.versionInfo}: ${errorState.details}`]
      .filter((part) => part !== undefined && part !== "")
      .join(" "),
  );
}

function connect(node: object): DeltaWire {
  const stream = deltaWire(port).send({ node, typeUrl: Type.SDS, resourceNamesSubscribe: ["a", "b"] });
  streams.push(stream);
  return stream;
}

test("each resource has its status, the version that the client holds, since when, and what it refused", async () => {
  served = createSnapshot([resource("SDS", "a@1"), resource("SDS", "b@1"), resource("SDS", "c@1")]);
  const stream = connect({ id: "n", cluster: "web", metadata: { role: "edge" }, clientFeatures: ["f"] });
  const first = await stream.next();
  assert.deepEqual(lines((await fetchStatus())[0]), ["a STALE", "b STALE", "c NOT_SENT"]);

  const before = Date.now();
  stream.send({ typeUrl: Type.SDS, responseNonce: first.nonce });
  await once(fleet, "acked");
  const [synced] = await fetchStatus();
  assert.deepEqual(lines(synced), ["a SYNCED 1", "b SYNCED 1", "c NOT_SENT"]);
  const [a, , c] = synced?.genericXdsConfigs ?? [];
  assert.equal(a?.typeUrl, Type.SDS);
  assert.equal(a.xdsConfig, undefined, "the content of a secret is nobody's business");
  assert.ok(a.lastUpdated !== undefined && timestampMs(a.lastUpdated) >= before);
  assert.equal(c?.lastUpdated, undefined);
  assert.deepEqual(
    [synced?.node?.id, synced?.node?.cluster, synced?.node?.metadata, synced?.node?.clientFeatures],
    ["n", "web", { role: "edge" }, ["f"]],
  );

  served = createSnapshot([resource("SDS", "a@2"), resource("SDS", "c@1")]);
  server.update();
  const second = await stream.next();
  assert.deepEqual(lines((await fetchStatus())[0]), ["a STALE 1", "c NOT_SENT", "b STALE 1"]);
  // Refused together, each is tried alone.
  let { nonce } = second;
  for (let refusals = 0; refusals < 3; refusals++) {
    if (refusals > 0) ({ nonce } = await stream.next());
    stream.send({ typeUrl: Type.SDS, responseNonce: nonce, errorDetail: { code: 3, message: "bad key" } });
    await once(fleet, "rejected");
  }
  const [refused] = await fetchStatus();
  assert.deepEqual(lines(refused), ["a ERROR 1 2: bad key", "c NOT_SENT", "b ERROR 1 : bad key"]);
  const attempt = refused?.genericXdsConfigs[0]?.errorState?.lastUpdateAttempt;
  assert.ok(attempt !== undefined && timestampMs(attempt) >= before);
});

test("clients are chosen by their id and metadata; those that are gone are not there", async () => {
  served = createSnapshot([resource("SDS", "a@1")]);
  const metadata = { app: { name: "shop", replicas: 3, canary: true, tags: ["x", "yy"], none: null } };
  const nodes = [{ id: "web-1", metadata }, { id: "web-2" }, { id: "DB-1" }];
  for (const node of nodes) await connect(node).next();
  const gone = connect({ id: "web-3" });
  await gone.next();
  gone.close();
  await once(fleet, "disconnected");

  const value = (path: string[], matchPattern: object) => ({
    nodeMetadatas: [
      { path: path.map((key) => ({ segment: { case: "key" as const, value: key } })), value: { matchPattern } },
    ],
  });
  const id = (kind: string, text: unknown, ignoreCase = false) => ({
    nodeId: { matchPattern: { case: kind, value: text }, ignoreCase },
  });
  const string = (kind: string, text: string) => ({ matchPattern: { case: kind, value: text } });
  const table: [matchers: object[], expected: string[]][] = [
    [[], ["DB-1", "web-1", "web-2"]],
    [[id("exact", "web-1")], ["web-1"]],
    [[id("exact", "WEB-1")], []],
    [[id("exact", "WEB-1", true)], ["web-1"]],
    [[id("prefix", "web")], ["web-1", "web-2"]],
    [[id("suffix", "-1")], ["DB-1", "web-1"]],
    [[id("contains", "b-")], ["web-1", "web-2"]],
    [[id("contains", "b-", true)], ["DB-1", "web-1", "web-2"]],
    [[id("safeRegex", { regex: "web-[0-9]" })], ["web-1", "web-2"]],
    [[id("safeRegex", { regex: "web" })], []],
    [
      [id("exact", "web-2"), id("exact", "DB-1")],
      ["DB-1", "web-2"],
    ],
    [[{ ...id("prefix", "web"), ...value(["app"], { case: "presentMatch", value: true }) }], ["web-1"]],
    [[value(["app", "name"], { case: "stringMatch", value: string("prefix", "sh") })], ["web-1"]],
    [[value(["app", "name"], { case: "nullMatch", value: {} })], []],
    [[value(["app", "none"], { case: "nullMatch", value: {} })], ["web-1"]],
    [[value(["app", "canary"], { case: "boolMatch", value: true })], ["web-1"]],
    [[value(["app", "canary"], { case: "boolMatch", value: false })], []],
    [[value(["app", "replicas"], { case: "doubleMatch", value: string("exact", 3 as never) })], ["web-1"]],
    [[value(["app", "replicas"], doubleRange(1, 3))], []],
    [[value(["app", "replicas"], doubleRange(3, 4))], ["web-1"]],
    [[value(["app", "tags"], listOf(string("exact", "yy")))], ["web-1"]],
    [[value(["app", "tags"], listOf(string("exact", "y")))], []],
    [[value(["app", "other", "name"], { case: "presentMatch", value: true })], []],
  ];
  for (const [nodeMatchers, expected] of table) {
    const found = (await fetchStatus({ nodeMatchers })).map(({ node }) => node?.id);
    assert.deepEqual(found.sort(), expected, JSON.stringify(nodeMatchers));
  }
});

function doubleRange(start: number, end: number): object {
  return { case: "doubleMatch", value: { matchPattern: { case: "range", value: { start, end } } } };
}

function listOf(text: object): object {
  const one = { matchPattern: { case: "stringMatch", value: text } };
  return { case: "listMatch", value: { matchPattern: { case: "oneOf", value: one } } };
}

test("a stream answers each request", async () => {
  served = createSnapshot([resource("SDS", "a@1")]);
  await connect({ id: "n" }).next();
  const stream = new WireStream(
    port,
    `${SERVICE}/StreamClientStatus`,
    ClientStatusRequestSchema,
    ClientStatusResponseSchema,
  );
  streams.push(stream);
  assert.equal((await stream.send({}).next()).config.length, 1);
  const nodeId = { matchPattern: { case: "exact" as const, value: "other" } };
  assert.equal((await stream.send({ nodeMatchers: [{ nodeId }] }).next()).config.length, 0);
  stream.sendBytes(Buffer.from([0xff]));
  assert.equal((await stream.ended).code, Code.INVALID_ARGUMENT);
});

test("what cannot be answered is an error with a reason, and strangers see nothing", async () => {
  await assert.rejects(fetchStatus(Buffer.from([0xff])), /no ClientStatusRequest/);
  connect({ id: "n" });
  await once(fleet, "connected");
  const expression = { matchPattern: { case: "safeRegex" as const, value: { regex: "(" } } };
  await assert.rejects(fetchStatus({ nodeMatchers: [{ nodeId: expression }] }), /the expression "\(" cannot be read/);
  await assert.rejects(fetchStatus({ nodeMatchers: [{ nodeId: {} }] }), /string matcher that is empty/);
  const stranger = new Metadata();
  stranger.set("who", "stranger");
  await assert.rejects(fetchStatus({}, stranger), { code: Code.PERMISSION_DENIED, details: "strangers may not look" });
});
