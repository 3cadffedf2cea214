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
    [port = 0] = await freePorts(1);
    a.write("probe.wasm", await probeModule());
    writeService(a, { appPort: app.port, inboundPort: port });
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
