// grpc-go's own xDS client, which gRPC applications without a sidecar use, with a control plane as people start it: with mutual TLS,
// on the bootstrap that `meshwright bootstrap --grpc` prints. `npm run test:peers` builds the client and runs it.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generatedResources } from "../../test/gateway/arbitrary.ts";
import { backendRef, echoRoute, grpcService, startEcho, type EchoBackend } from "../../test/support/grpc-echo.ts";
import { Mesh } from "../../test/support/mesh.ts";
import { until } from "../../test/support/until.ts";
import { goPeers } from "./go.mjs";
import { GrpcClient, type Standing } from "./grpc-client.ts";

const { grpcClient } = goPeers();
const SAY = "/test.Echo/Say";
const SHOUT = "/test.Echo/Shout";
const ECHO = "xds:///echo:50051";

interface Bootstrap {
  readonly node: { readonly id: string };
}

describe("grpc-go's xDS client", { skip: existsSync(grpcClient) ? false : "the programs in Go are not built" }, () => {
  let mesh: Mesh;
  let client: GrpcClient;
  let bootstrap: string;
  const backends = new Map<string, EchoBackend>();
  const portOf = (name: string): number => backends.get(name)?.port ?? assert.fail(name);
  const services = (): string[] => ["a", "b", "c"].map((name) => grpcService(name, [portOf(name)]));

  /** A client of its own, on another bootstrap. */
  const startClient = (name: string, text: string): GrpcClient => {
    const file = join(mesh.folder, `${name}.json`);
    writeFileSync(file, text);
    return new GrpcClient(grpcClient, file);
  };
  const serve = (...texts: string[]): void => mesh.write("mesh.yaml", texts.join(""));
  /** Calls until the answers are these and no others. */
  const callsUntil = (expected: readonly string[], path = SAY): Promise<void> =>
    until(async () => Object.keys(await client.call(ECHO, path, 40)).join() === expected.join(), 20_000);

  before(async () => {
    for (const name of ["a", "b", "c"]) backends.set(name, await startEcho(name));
    mesh = await Mesh.create();
    serve(grpcService("echo", [portOf("a")]));
    await mesh.startControlPlane();
    bootstrap = await mesh.meshwright("bootstrap", [
      ...["--grpc", "--node", "client-1", "--service", "client", "--xds", `127.0.0.1:${String(mesh.xdsPort)}`],
    ]);
    client = startClient("client-1", bootstrap);
  });
  after(async () => {
    await client.stop();
    await mesh.stop();
    for (const { server } of backends.values()) server.forceShutdown();
  });

  test("calls a Service by its name and port, and is ready in the status", async () => {
    assert.deepEqual(await client.call(ECHO, SAY), { a: 1 });
    const { protocol, envoy } = await mesh.until("client-1", ({ state }) => state === "ready");
    assert.deepEqual([protocol, envoy], ["sotw", "1.85.0"]);
  });

  test("takes endpoints that come, and leaves those that go", async () => {
    serve(grpcService("echo", [portOf("a"), portOf("b")]));
    await callsUntil(["a", "b"]);
    serve(grpcService("echo", [portOf("b")]));
    await callsUntil(["b"]);
  });

  test("follows routes by method, shares, and a rule without a backend", async () => {
    const echo = [grpcService("echo", [portOf("a")]), ...services()];
    const shout = "{ matches: [{ method: { service: test.Echo, method: Shout } }]";
    const shares = `${shout}, backendRefs: [${backendRef("b")}, ${backendRef("c")}] }`;
    serve(...echo, echoRoute(`[${shares}, { backendRefs: [${backendRef("a")}] }]`));
    await callsUntil(["b", "c"], SHOUT);
    await callsUntil(["a"]);
    serve(...echo, echoRoute(`[${shout} }, { backendRefs: [${backendRef("b")}] }]`));
    await callsUntil(["b"]);
    assert.deepEqual(await client.call(ECHO, SHOUT), { Unavailable: 1 });
  });

  test("calls on while the control plane is gone, and takes a change when it is back", async () => {
    serve(grpcService("echo", [portOf("a")]), ...services());
    await callsUntil(["a"]);
    await mesh.controlPlane?.stop("SIGKILL");
    serve(grpcService("echo", [portOf("b")]), ...services());
    assert.deepEqual(await client.call(ECHO, SAY, 100), { a: 100 });
    await mesh.startControlPlane();
    await callsUntil(["b"]);
  });

  test("refuses nothing of generated Services and routes", async () => {
    const generated = generatedResources(1, 60, 40);
    serve(grpcService("echo", [portOf("c")]), ...generated.map((text) => `---\n${text}`));
    await callsUntil(["c"]);
    const names = generated.flatMap((text) => /"kind":"Service","metadata":\{"name":"(\w+)"/.exec(text)?.[1] ?? []);
    assert.equal(names.length, 140);
    // Nobody answers at their endpoints: it is enough that the client has what it asked for.
    for (const name of names) await client.open(`xds:///${name}:80`);
    const isIn = ({ counts, refused }: Standing): boolean =>
      refused.length > 0 ||
      ((counts["Listener ACKED"] ?? 0) > names.length && !Object.keys(counts).some((key) => key.endsWith("REQUESTED")));
    await until(async () => isIn(await client.standing()), 20_000);
    const { counts, refused } = await client.standing();
    assert.deepEqual(refused, []);
    assert.equal(counts["RouteConfiguration ACKED"], names.length + 1);
    assert.ok((counts["Cluster ACKED"] ?? 0) > 60, JSON.stringify(counts));
    const { rejections } = await mesh.until("client-1", ({ state }) => state === "ready" || state === "faulty");
    assert.deepEqual(rejections, []);
  });

  test("is not let in as another node, nor without a certificate", async () => {
    const other = startClient("other", bootstrap.replace('"id": "client-1"', '"id": "client-2"'));
    assert.notEqual((JSON.parse(bootstrap) as Bootstrap).node.id, "client-2");
    assert.deepEqual(await other.call(ECHO, SAY), { Unavailable: 1 });
    assert.match(other.errors, /the certificate is that of the node "client-1"/);
    await other.stop();
    const plain = bootstrap.replace(/"channel_creds": \[[^\]]*\]/, '"channel_creds": [{ "type": "insecure" }]');
    assert.notEqual(plain, bootstrap);
    const stranger = startClient("stranger", plain);
    assert.deepEqual(await stranger.call(ECHO, SAY), { Unavailable: 1 });
    await stranger.stop();
  });
});
