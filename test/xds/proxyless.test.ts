import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { Client, credentials, ServerCredentials, type ServiceError, status as Code } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { loadModel } from "../../controlplane/model/index.ts";
import { translate, type Translation } from "../../controlplane/translate/index.ts";
import { XdsServer } from "../../controlplane/xds/index.ts";
import { backendRef, echoRoute, grpcService, SAY, startEcho, type EchoBackend } from "../support/grpc-echo.ts";

/*
 * grpc-js's own xDS client, which gRPC applications without a sidecar use, against what the control plane serves them.
 */

function translationOf(...texts: string[]): Translation {
  const loaded = loadModel([{ path: "mesh.yaml", text: texts.join("") }]);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return translate(loaded.model, new Map(), { modulesAuthority: "127.0.0.1:1", modulesCluster: "modules" });
}

const fleet = new Fleet();
const rejections: string[] = [];
let translation: Translation;
const xds = new XdsServer({ source: { snapshot: (node) => translation.snapshotFor(node).snapshot }, observer: fleet });
const backends = new Map<string, EchoBackend>();
let client: Client;

before(async () => {
  fleet.on("rejected", ({ typeUrl, ...outcome }) => rejections.push(`${typeUrl}: ${JSON.stringify(outcome)}`));
  for (const name of ["a", "b", "c"]) backends.set(name, await startEcho(name));
  translation = translationOf(grpcService("echo", [portOf("a")]));
  const port = await xds.listen("127.0.0.1:0", ServerCredentials.createInsecure());
  process.env["GRPC_XDS_BOOTSTRAP_CONFIG"] = JSON.stringify({
    xds_servers: [
      { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
    ],
    node: { id: "proxyless", cluster: "client", locality: {} },
  });
  const { register } = await import("@grpc/grpc-js-xds");
  register();
  client = new Client("xds:///echo:50051", credentials.createInsecure());
});

after(async () => {
  client.close();
  for (const { server } of backends.values()) server.forceShutdown();
  await xds.close();
});

function portOf(name: string): number {
  const found = backends.get(name);
  assert.ok(found);
  return found.port;
}

function call(path = "/test.Echo/Say", to = client): Promise<string> {
  const unary = (done: (error: ServiceError | null, response?: Buffer) => void): void => {
    to.makeUnaryRequest(
      path,
      SAY.requestSerialize,
      SAY.responseDeserialize,
      Buffer.alloc(0),
      { deadline: Date.now() + 10_000 },
      done,
    );
  };
  return promisify(unary)().then(String);
}

/** Serves something else, and waits until the client took it. */
async function serve(...texts: string[]): Promise<void> {
  translation = translationOf(...texts);
  const taken = once(fleet, "acked");
  xds.update();
  await taken;
}

/** Calls until the answers are these and no others, a number of times in a row. */
async function callsUntil(expected: readonly string[], path?: string): Promise<void> {
  const until = Date.now() + 10_000;
  for (;;) {
    const answers = new Set<string>();
    for (let n = 0; n < 40; n++) answers.add(await call(path));
    if ([...answers].sort().join() === expected.join()) return;
    assert.ok(Date.now() < until, `expected ${expected.join()}, and got ${[...answers].join()}`);
  }
}

test("a call to a Service by its name and port reaches an endpoint", { timeout: 20_000 }, async () => {
  assert.equal(await call(), "a");
  const view = fleet.node("proxyless");
  assert.match(view?.node.userAgentName ?? "", /^gRPC/);
  assert.equal(view?.protocol, "sotw");
});

test("endpoints that come are used, and those that go are not", { timeout: 20_000 }, async () => {
  await serve(grpcService("echo", [portOf("a"), portOf("b")]));
  await callsUntil(["a", "b"]);
  await serve(grpcService("echo", [portOf("b")]));
  await callsUntil(["b"]);
});

test("routes by method, shares, and a rule without a backend", { timeout: 20_000 }, async () => {
  const services = ["a", "b", "c"].map((name) => grpcService(name, [portOf(name)]));
  const shout = "{ matches: [{ method: { service: test.Echo, method: Shout } }]";
  await serve(
    grpcService("echo", [portOf("a")]),
    ...services,
    echoRoute(
      `[${shout}, backendRefs: [${backendRef("b")}, ${backendRef("c")}] }, { backendRefs: [${backendRef("a")}] }]`,
    ),
  );
  await callsUntil(["b", "c"], "/test.Echo/Shout");
  await callsUntil(["a"]);
  await serve(
    grpcService("echo", [portOf("a")]),
    ...services,
    echoRoute(`[${shout} }, { backendRefs: [${backendRef("b")}] }]`),
  );
  await callsUntil(["b"]);
  await assert.rejects(call("/test.Echo/Shout"), { code: Code.UNAVAILABLE });
});

test("a rule for requests with a query is for no call", { timeout: 20_000 }, async () => {
  const services = ["a", "b"].map((name) => grpcService(name, [portOf(name)]));
  const query = `{ matches: [{ queryParams: [{ name: q, value: "1" }] }], backendRefs: [${backendRef("b")}] }`;
  const rules = `[${query}, { backendRefs: [${backendRef("a")}] }]`;
  await serve(
    grpcService("echo", [portOf("b")]),
    ...services,
    echoRoute(rules).replace("kind: GRPCRoute", "kind: HTTPRoute"),
  );
  await callsUntil(["a"]);
});

test("every policy for choosing an endpoint is one that the client takes", { timeout: 20_000 }, async () => {
  // Each differs for gRPC from the one before, so that there is something to accept.
  for (const policy of ["RingHash", "RoundRobin", "Maglev", "LeastRequest", "RingHash", "Random"]) {
    const isHashed = policy === "RingHash" || policy === "Maglev";
    const hash = isHashed ? ", hashPolicies: [{ type: Header, name: x-user }]" : "";
    await serve(grpcService("echo", [portOf("a")], `loadBalancing: { policy: ${policy}${hash} }`));
    await callsUntil(["a"]);
  }
});

test("the client refused nothing in all this", () => {
  assert.deepEqual(rejections, []);
});
