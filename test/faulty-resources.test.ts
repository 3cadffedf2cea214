// A faulty resource stays as it was when it was last good, and everything else reaches the sidecars: in a running control plane, with
// real Envoys.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { RolloutReport } from "../controlplane/api/index.ts";
import { command } from "./support/command.ts";
import { get, startApp, type Answer } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";
import { until } from "./support/until.ts";

const api = "apiVersion: meshwright.dev/v1alpha1";

const service = (name: string, port: number, sidecar: string): string => `${api}
kind: Service
metadata: { name: ${name} }
spec: { port: 80, endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: ${sidecar} }] }
`;

const policy = (name: string, configuration: object): string => `${api}
kind: FilterPolicy
metadata: { name: ${name}-probe }
spec:
  targetRefs: [{ kind: Service, name: ${name} }]
  module: probe
  configuration: ${JSON.stringify(configuration)}
`;

/** Requests to `shop`: those under a path go to a Service, and no others anywhere. */
const route = (name: string, path: string, backend: string): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ kind: Service, name: shop }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: ${path} } }]
      backendRefs: [{ name: ${backend}, port: 80 }]
`;

const bad = { mark: 5 };

/** Where the fault of `bad` is in the file of a policy. */
const place = /web\.policy\.yaml:7:26: spec\.configuration\.mark: /;

describe("a faulty resource", () => {
  let mesh: Mesh;
  let apps: Awaited<ReturnType<typeof startApp>>[] = [];
  let ports: readonly [web: number, out: number, db: number];

  const create = async (): Promise<Mesh> => {
    const [web, out, db] = ports;
    const made = await Mesh.create({ isSecure: false, serve: ["--metrics", `127.0.0.1:${String(metrics)}`] });
    made.write("probe.wasm", await probeModule());
    made.write("probe.yaml", `${api}\nkind: WasmModule\nmetadata: { name: probe }\nspec: { file: probe.wasm }\n`);
    made.write("web.yaml", service("web", apps[0]?.port ?? 0, `{ node: web-1, inboundPort: ${String(web)} }`));
    const both = `{ node: db-1, inboundPort: ${String(db)}, outboundPort: ${String(out)} }`;
    made.write("db.yaml", service("db", apps[1]?.port ?? 0, both));
    made.write("shop.yaml", `${api}\nkind: Service\nmetadata: { name: shop }\nspec: { port: 80 }\n`);
    made.write("web.policy.yaml", policy("web", { mark: "one" }));
    made.write("db.policy.yaml", policy("db", { mark: "one" }));
    made.write("route.yaml", route("first", "/first", "db"));
    return made;
  };
  let metrics = 0;

  const markOf = async (port: number): Promise<unknown> =>
    (await get(port, "/").catch((): Answer => ({ status: 0, headers: {}, body: "" }))).headers["x-probe"];
  const shop = async (path: string): Promise<number> =>
    (await get(ports[1], path, { headers: { host: "shop" } })).status;
  const untilMark = (port: number, mark: string): Promise<void> =>
    until(async () => (await markOf(port)) === mark, 30_000);
  const held = async (): Promise<{ kept: readonly string[]; leftOut: readonly string[] }> => {
    const { kept, leftOut } = (await mesh.status()).configuration;
    return { kept: kept.map(({ resource }) => resource), leftOut: leftOut.map(({ resource }) => resource) };
  };
  const metric = async (state: string): Promise<number> => {
    const { body } = await get(metrics, "/metrics");
    return Number(new RegExp(`^meshwright_resources_held\\{state="${state}"\\} (\\d+)$`, "m").exec(body)?.[1]);
  };
  const apply = async (text: string): Promise<number> => {
    const body = JSON.stringify({ files: [{ path: "applied.yaml", text }] });
    const headers = { "content-type": "application/json" };
    return (await get(mesh.httpPort, "/api/v1/apply", { method: "POST", headers, body })).status;
  };

  before(async () => {
    apps = [await startApp("web"), await startApp("db")];
    const [web = 0, out = 0, db = 0, forMetrics = 0] = await freePorts(4);
    ports = [web, out, db];
    metrics = forMetrics;
    mesh = await create();
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.startSidecar("db-1", "db");
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    for (const app of apps) await app.stop();
  });

  it("that is a filter stays as it was served; the filter of another Service and a route change", async () => {
    mesh.write("web.policy.yaml", policy("web", bad));
    mesh.write("db.policy.yaml", policy("db", { mark: "two" }));
    mesh.write("route.yaml", route("first", "/second", "db"));
    await untilMark(ports[2], "two");
    await until(async () => (await shop("/second")) === 200, 30_000);
    assert.equal(await markOf(ports[0]), "one");
    assert.equal(await shop("/first"), 404);
  });

  it("is shown by the status with its place, counted, and logged", async () => {
    assert.deepEqual(await held(), { kept: ["FilterPolicy/web-probe"], leftOut: [] });
    assert.match((await mesh.status()).configuration.kept[0]?.fault ?? "", place);
    assert.deepEqual([await metric("kept"), await metric("left_out")], [1, 0]);
    const shown = await mesh.meshwright("status", ["--http", `127.0.0.1:${String(mesh.httpPort)}`]);
    assert.match(shown, place);
    assert.match(shown, /Served as before, until this is mended:\n {2}FilterPolicy\/web-probe$/m);
    assert.match(mesh.controlPlane?.output ?? "", /served as before until this is mended: FilterPolicy web-probe$/m);
  });

  it("does not hinder that others are applied over the API; a fault in these is refused", async () => {
    assert.equal(await apply(route("applied", "/applied", "db")), 200);
    await until(async () => (await shop("/applied")) === 200, 30_000);
    assert.equal(await apply(route("applied", "/again", "gone")), 422);
    assert.equal(await shop("/applied"), 200);
  });

  it("is taken at its next good version", async () => {
    mesh.write("web.policy.yaml", policy("web", { mark: "three" }));
    await untilMark(ports[0], "three");
    assert.deepEqual(await held(), { kept: [], leftOut: [] });
    assert.deepEqual((await mesh.status()).configuration.refused, []);
    assert.equal(await metric("kept"), 0);
  });

  it("that is a route stays alone where it names a Service that is missing", async () => {
    mesh.write("route.yaml", route("first", "/third", "gone"));
    mesh.write("db.policy.yaml", policy("db", { mark: "four" }));
    await untilMark(ports[2], "four");
    assert.equal(await shop("/second"), 200);
    assert.deepEqual(await held(), { kept: ["HTTPRoute/first"], leftOut: [] });
  });

  it("ends `rollout wait` with an exit status of its own and the places, where a Rollout is about it, and else does not", async () => {
    const targetRefs = "[{ kind: FilterPolicy, name: web-probe }]";
    mesh.write("rollout.yaml", `${api}\nkind: Rollout\nmetadata: { name: web }\nspec: { targetRefs: ${targetRefs} }\n`);
    const report = async (): Promise<RolloutReport> =>
      JSON.parse(await mesh.api("/api/v1/rollouts/web")) as RolloutReport;
    await until(async () => (await report()).state === "Settled", 30_000);
    const { source, refused } = await report();
    assert.deepEqual(refused, []);
    const reach = ["--http", `127.0.0.1:${String(mesh.httpPort)}`, "--insecure"];
    const waiting = command(["rollout", "wait", "web", "--after", source, "--timeout", "1m", ...reach]);
    await waiting.waitFor(/the source says what it said before$/m);
    mesh.write("web.policy.yaml", policy("web", bad));
    await waiting.waitFor(place);
    await until(() => Promise.resolve(!waiting.isRunning), 30_000);
    assert.equal(waiting.child.exitCode, 3, waiting.output);
    const [told] =
      /^.*web\.policy\.yaml:7:26.*$/m.exec(waiting.output.slice(waiting.output.indexOf("meshwright:"))) ?? [];
    assert.ok(told !== undefined && mesh.controlPlane?.output.includes(`refused: ${told}`) === true, waiting.output);
    assert.deepEqual((await report()).refused, [told]);
    assert.notEqual((await report()).source, source);
  });

  it("stays as it was over a restart, and all else goes on changing", async () => {
    mesh.write("web.policy.yaml", policy("web", bad));
    await until(async () => (await held()).kept.length === 2, 30_000);
    await mesh.controlPlane?.stop();
    mesh.write("db.policy.yaml", policy("db", { mark: "five" }));
    await mesh.startControlPlane();
    await mesh.untilReady();
    await untilMark(ports[2], "five");
    assert.equal(await markOf(ports[0]), "three");
    assert.equal(await shop("/second"), 200);
    assert.deepEqual(await held(), { kept: ["FilterPolicy/web-probe", "HTTPRoute/first"], leftOut: [] });
  });

  it("is left out at a first start, with the Service that it protects, until it is mended", async () => {
    await mesh.stop();
    mesh = await create();
    mesh.write("web.policy.yaml", policy("web", bad));
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.startSidecar("db-1", "db");
    await mesh.until("db-1", ({ state }) => state === "ready");
    await untilMark(ports[2], "one");
    await mesh.until("web-1", ({ state }) => state === "unknown-node");
    assert.deepEqual(await held(), { kept: [], leftOut: ["FilterPolicy/web-probe", "Service/web"] });
    await assert.rejects(get(ports[0], "/"), { code: "ECONNREFUSED" });
    assert.equal((await get(ports[1], "/", { headers: { host: "web" } })).status, 404);
    mesh.write("web.policy.yaml", policy("web", { mark: "six" }));
    await untilMark(ports[0], "six");
    assert.equal((await get(ports[1], "/", { headers: { host: "web" } })).headers["x-probe"], "six");
  });
});
