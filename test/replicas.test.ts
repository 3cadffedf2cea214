import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { postAsAdmin } from "./support/api.ts";
import { Balancer } from "./support/balancer.ts";
import { Envoy } from "./support/envoy.ts";
import { Etcd, withoutEtcd } from "./support/etcd.ts";
import { get, startApp } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { Mesh } from "./support/mesh.ts";
import { writePolicy, writeService } from "./support/one-service.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";
import { until } from "./support/until.ts";

/** A Service, and a route to it of what is sent to `shop`. */
const way = (name: string, appPort: number): string => `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec: { port: 80, endpoints: [{ address: 127.0.0.1, port: ${String(appPort)} }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec: { port: 80 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: shop }]
  rules: [{ backendRefs: [{ name: ${name}, port: 80 }] }]
`;

/** Envoy's own counters of what it took over. */
const updates =
  /^(cluster_manager\.cluster_(added|modified)|listener_manager\.listener_(added|modified)|.*config_reload)$/;

describe("two control planes on one etcd", { skip: withoutEtcd() ?? false }, () => {
  let etcd: Etcd;
  let a: Mesh;
  let b: Mesh;
  let xds: Balancer;
  let http: Balancer;
  let envoy: Envoy;
  let app: Awaited<ReturnType<typeof startApp>>;
  let port = 0;
  let outboundPort = 0;

  before(async () => {
    etcd = await Etcd.start();
    const store = `${etcd.hosts[0]?.replace("http", "etcd") ?? ""}/mesh`;
    a = await Mesh.create({ source: "applied", serve: ["--store", store, "--max-connection-age", "1h"] });
    await a.startControlPlane();
    b = await Mesh.create({ source: "applied", serve: ["--store", store] });
    // Both issue with one authority.
    cpSync(join(a.state, "authority"), join(b.state, "authority"), { recursive: true });
    await b.startControlPlane();
    app = await startApp("web");
    [port = 0, outboundPort = 0] = await freePorts(2);
    a.write("probe.wasm", await probeModule());
    writeService(a, { appPort: app.port, inboundPort: port, outboundPort });
    writePolicy(a, { mark: "first" });
    const reach = ["--http", `127.0.0.1:${String(a.httpPort)}`, "--state", a.state];
    await a.meshwright("apply", ["-f", a.config, ...reach]);

    xds = await Balancer.start(a.xdsPort);
    http = await Balancer.start(a.httpPort);
    const [adminPort = 0] = await freePorts(1);
    const bootstrap = await a.meshwright("bootstrap", [
      ...[
        "--node",
        "web-1",
        "--service",
        "web",
        "--admin",
        `127.0.0.1:${String(adminPort)}`,
        "--stats-interval",
        "200",
        // What a sidecar with the other variant has, it says itself: that is simpler, and test/replicated-rollouts.test.ts.
        "--protocol",
        "sotw",
      ],
      ...["--xds", `127.0.0.1:${String(xds.port)}`, "--http", `127.0.0.1:${String(http.port)}`],
    ]);
    envoy = await Envoy.start("web-1", bootstrap, adminPort);
  });
  after(async () => {
    await envoy.stop();
    await Promise.all([a.stop(), b.stop()]);
    for (const balancer of [xds, http]) balancer.stop();
    await Promise.all([etcd.stop(), app.stop()]);
  });

  /** Applies another mark, over the API of one of the two. */
  async function apply(over: Mesh, mark: string): Promise<void> {
    writePolicy(a, { mark });
    await change(over, "apply", { files: [{ path: "policy.yaml", text: a.read("policy.yaml") }] });
  }

  /** Changes something over the API of one of the two. */
  async function change(over: Mesh, how: string, body: object): Promise<{ readonly revision: number }> {
    const answer = await postAsAdmin(a.state, over.httpPort, `/api/v1/${how}`, body);
    const report = JSON.parse(answer) as { readonly revision?: number };
    assert.ok(report.revision !== undefined, answer);
    return { revision: report.revision };
  }

  function turnTo(mesh: Mesh): void {
    xds.turnTo(mesh.xdsPort);
    http.turnTo(mesh.httpPort);
  }

  const mark = async (): Promise<unknown> => (await get(port, "/")).headers["x-probe"];
  const updatesOf = async (): Promise<[string, number][]> =>
    [...(await envoy.stats(""))].filter(([name]) => updates.test(name)).sort();

  test("a sidecar that moves from one to the other is sent nothing that it has", async () => {
    await a.until("web-1", ({ state }) => state === "ready");
    assert.equal(await mark(), "first");
    const earlier = await updatesOf();
    assert.ok(earlier.length > 3);
    turnTo(b);
    xds.cut();
    await b.until("web-1", ({ state }) => state === "ready");
    assert.deepEqual(await updatesOf(), earlier);
  });

  test("a sidecar that moves in the midst of a change loses no request: a route goes over to a Service that is new, from one that goes", async () => {
    turnTo(a);
    xds.cut();
    await a.until("web-1", ({ state }) => state === "ready");
    const apps = await Promise.all(["first", "second"].map((name) => startApp(name)));
    const [before, after] = apps.map((one, i) => way(["first", "second"][i] ?? "", one.port));
    // The revision to go back to has only what is to come.
    const { revision } = await change(a, "apply", { files: [{ path: "way.yaml", text: after }] });
    await change(a, "apply", { files: [{ path: "way.yaml", text: before }] });
    await change(a, "delete", { resources: ["Service/second"] });
    const names = async (): Promise<string> => envoy.admin("/clusters");
    const via = async (): Promise<unknown> => {
      const { status, body } = await get(outboundPort, "/", { headers: { host: "shop" } });
      return status === 200 && (JSON.parse(body) as { app: string }).app;
    };
    await envoy.until(async () => (await via()) === "first" && !(await names()).includes("second"));
    await b.until("web-1", () => true);

    const load = new Load(outboundPort, "/", { headers: { host: "shop" } });
    const at = b.controlPlane?.output.length ?? 0;
    // It is told of the new Service, and its answers do not arrive: so its route still leads to the old one.
    xds.hold();
    await change(a, "rollback", { revision });
    await envoy.until(async () => (await envoy.stat("cluster_manager.warming_clusters")) === 1);
    await b.controlPlane?.waitFor(/serving .*Service second/, { from: at });
    turnTo(b);
    xds.cut();
    await envoy.until(async () => (await via()) === "second" && !(await names()).includes("first"));
    const answers = await load.stop();
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    await b.until("web-1", ({ state }) => state === "ready");
    await Promise.all(apps.map((one) => one.stop()));
  });

  test("what is applied over one is served by the other", async () => {
    await apply(a, "second");
    await envoy.until(async () => (await mark()) === "second");
    await b.until("web-1", ({ state }) => state === "ready");
  });

  test("both are restarted, one after the other, while changes are made: no request fails, and none is lost", async () => {
    const load = new Load(port, "/", {}, 3);
    turnTo(a);
    await b.controlPlane?.stop();
    await a.until("web-1", ({ state }) => state === "ready");
    await apply(a, "third");
    await b.startControlPlane();
    turnTo(b);
    await a.controlPlane?.stop();
    await b.until("web-1", ({ state }) => state === "ready");
    await envoy.until(async () => (await mark()) === "third");
    await a.startControlPlane();
    await apply(b, "fourth");
    // Not only what is asked here: the load is to have seen it.
    await until(() => load.answers[load.answers.length - 1]?.headers["x-probe"] === "fourth", 10_000);
    const answers = await load.stop();
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.deepEqual([...new Set(answers.map(({ headers }) => headers["x-probe"]))], ["second", "third", "fourth"]);
  });

  test("etcd is gone: what was served is still served, a change says so, and goes through once etcd is back", async () => {
    await etcd.members[0]?.kill();
    await assert.rejects(apply(b, "fifth"), /503|etcd does not answer/);
    assert.equal(await mark(), "fourth");
    await etcd.members[0]?.begin();
    await envoy.until(async () => {
      await apply(a, "sixth").catch(() => undefined);
      return (await mark()) === "sixth";
    });
  });
});
