import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";

import { Client, credentials, type ServiceError } from "@grpc/grpc-js";

import { TypeUrl } from "../../controlplane/xds/index.ts";
import { sotwWire, type SotwWire } from "../../controlplane/xds/testdata/client.ts";
import { type RunningAdapter, startAdapter } from "./adapter-server.ts";
import { AdapterService } from "./adapter-service.ts";

let adapter: RunningAdapter;
let client: Client;
let stream: SotwWire;

beforeEach(async () => {
  adapter = await startAdapter(0, 0);
  client = new Client(`127.0.0.1:${adapter.adapter}`, credentials.createInsecure());
  stream = sotwWire(adapter.target);
});

afterEach(async () => {
  stream.close();
  client.close();
  await adapter.close();
});

function call(method: string, request: object): Promise<unknown> {
  const definition = AdapterService[method];
  assert.ok(definition, method);
  const { path, requestSerialize, responseDeserialize } = definition;
  const unary = (done: (error: ServiceError | null, response?: unknown) => void): void => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, done);
  };
  return promisify(unary)();
}

const clusters = (...names: string[]) =>
  names.map((name) => ({ typeUrl: TypeUrl.cluster, value: Buffer.from([0x0a, name.length, ...Buffer.from(name)]) }));
const cluster = (resourceName: string, version: string) => ({
  node: "n",
  typeUrl: TypeUrl.cluster,
  resourceName,
  version,
});

test("what the suite says is served, under its versions", async () => {
  assert.deepEqual(await call("SetState", { node: "n", version: "v1", resources: clusters("a", "b") }), {
    success: true,
  });
  stream.send({ node: { id: "n" }, typeUrl: TypeUrl.cluster });
  const next = async (): Promise<[version: string, resources: number]> => {
    const { versionInfo, nonce, resources } = await stream.next();
    stream.send({ typeUrl: TypeUrl.cluster, versionInfo, responseNonce: nonce });
    return [versionInfo, resources.length];
  };
  assert.deepEqual(await next(), ["v1", 2]);
  await call("UpdateResource", cluster("a", "v2"));
  assert.deepEqual(await next(), ["v2", 2]);
  await call("AddResource", cluster("c", "v3"));
  assert.deepEqual(await next(), ["v3", 3]);
  await call("RemoveResource", cluster("b", "v4"));
  assert.deepEqual(await next(), ["v4", 2]);
  assert.deepEqual(await call("ClearState", { node: "n" }), { response: "cleared" });
});

test("what cannot be served is an error", async () => {
  await assert.rejects(call("UpdateResource", cluster("a", "v2")), /n is served no .*Cluster/);
  await call("SetState", { node: "n", version: "v1", resources: clusters("a") });
  await assert.rejects(call("UpdateResource", cluster("x", "v2")), /no .*Cluster named x to update/);
});
