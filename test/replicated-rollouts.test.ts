// Rollouts of several control planes on one etcd, as processes of their own, over real Envoys: the one that leads is killed while a bad filter is out.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import type { RolloutReport } from "../controlplane/api/index.ts";
import { Balancer } from "./support/balancer.ts";
import { Envoy } from "./support/envoy.ts";
import { Etcd, withoutEtcd } from "./support/etcd.ts";
import { get, startApp } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { fixtureModule } from "./support/probe.ts";
import { until } from "./support/until.ts";

const NODES = ["web-1", "web-2", "web-3", "web-4"];

const analysis = { minRequests: 100, checks: [{ metric: "Errors" }] };
const rollout = {
  targetRefs: [{ kind: "FilterPolicy", name: "faulty" }],
  waves: [
    { percentage: 50, bake: "5s" },
    { percentage: 100, bake: "2s" },
  ],
  ...{ analysis, answerTimeout: "40s", lossWindow: "10s" },
};

describe("two control planes on one etcd, with two Envoys each", { skip: withoutEtcd() ?? false }, () => {
  let etcd: Etcd;
  const planes: Mesh[] = [];
  const balancers: Balancer[] = [];
  const envoys: Envoy[] = [];
  const apps: Awaited<ReturnType<typeof startApp>>[] = [];
  const ports: number[] = [];

  before(async () => {
    etcd = await Etcd.start();
    const store = `${etcd.hosts[0]?.replace("http", "etcd") ?? ""}/mesh`;
    const serve = ["--store", store, "--stats-window", "1000", "--pre-checks", "off"];
    for (let i = 0; i < 2; i++) {
      const plane = await Mesh.create({ source: "applied", serve });
      const [first] = planes;
      // Both issue with one authority.
      if (first !== undefined)
        cpSync(join(first.state, "authority"), join(plane.state, "authority"), { recursive: true });
      await plane.startControlPlane();
      planes.push(plane);
    }
    const mesh = planeOf(0);
    const endpoints: object[] = [];
    for (const node of NODES) {
      const app = await startApp(node);
      apps.push(app);
      const [inboundPort = 0] = await freePorts(1);
      ports.push(inboundPort);
      endpoints.push({ address: "127.0.0.1", port: app.port, sidecar: { node, inboundPort } });
    }
    const resource = (kind: string, name: string, spec: object): string =>
      JSON.stringify({ apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name }, spec });
    mesh.write("faulty.wasm", await fixtureModule("faulty"));
    mesh.write(
      "mesh.yaml",
      [
        resource("Service", "web", { port: 80, endpoints }),
        resource("WasmModule", "faulty", { file: "faulty.wasm" }),
      ].join("\n---\n"),
    );
    await ship({ mark: "first" }, 0);
    for (const [i, node] of NODES.entries()) {
      const plane = planeOf(i % 2);
      const xds = await Balancer.start(plane.xdsPort);
      const http = await Balancer.start(plane.httpPort);
      balancers.push(xds, http);
      const [adminPort = 0] = await freePorts(1);
      const bootstrap = await plane.meshwright("bootstrap", [
        ...["--node", node, "--service", "web", "--admin", `127.0.0.1:${String(adminPort)}`, "--stats-interval", "250"],
        ...["--xds", `127.0.0.1:${String(xds.port)}`, "--http", `127.0.0.1:${String(http.port)}`],
      ]);
      envoys.push(await Envoy.start(node, bootstrap, adminPort, { concurrency: 1 }));
    }
    for (const [i, node] of NODES.entries()) await planeOf(i % 2).until(node, ({ state }) => state === "ready");
    // What all have by now is what the first run starts from.
    mesh.write("rollout.yaml", resource("Rollout", "faulty", rollout));
    await ship({ mark: "first" }, 0);
    for (const i of planes.keys()) await until(async () => (await report(i)).state === "Settled", 20_000);
  });
  after(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await Promise.all(planes.map((plane) => plane.stop()));
    for (const balancer of balancers) balancer.stop();
    await Promise.all([etcd.stop(), ...apps.map((app) => app.stop())]);
  });

  function planeOf(index: number): Mesh {
    return planes[index] ?? assert.fail();
  }

  /** Changes the filter, over the API of one of the two. */
  async function ship(configuration: object, over: number): Promise<void> {
    const mesh = planeOf(0);
    const spec = { targetRefs: [{ name: "web" }], module: "faulty", configuration };
    mesh.write(
      "policy.yaml",
      JSON.stringify({
        apiVersion: "meshwright.dev/v1alpha1",
        kind: "FilterPolicy",
        metadata: { name: "faulty" },
        spec,
      }),
    );
    const http = `127.0.0.1:${String(planeOf(over).httpPort)}`;
    await mesh.meshwright("apply", ["-f", mesh.config, "--http", http, "--state", mesh.state]);
  }

  const report = async (plane: number): Promise<RolloutReport> =>
    JSON.parse(await planeOf(plane).api("/api/v1/rollouts/faulty")) as RolloutReport;
  const isLeader = (plane: Mesh): boolean => /leads the Rollouts$/m.test(plane.controlPlane?.output ?? "");

  test("the leader is killed while a bad version is out: the other undoes it, and the sidecars beyond the wave never had it", async () => {
    const load = ports.map((port) => new Load(port, "/"));
    const leader = planes.findIndex(isLeader);
    assert.ok(leader >= 0);
    const survivor = 1 - leader;
    await ship({ mark: "bad", errorEvery: 10 }, survivor);
    await until(async () => ((await report(survivor)).run?.touched ?? 0) > 0, 20_000);
    await planeOf(leader).controlPlane?.stop("SIGKILL");
    for (const [i, balancer] of balancers.entries()) {
      const plane = planeOf(survivor);
      balancer.turnTo(i % 2 === 0 ? plane.xdsPort : plane.httpPort);
    }
    await until(async () => (await report(survivor)).run?.phase === "RolledBack", 60_000);
    const { run } = await report(survivor);
    assert.equal(run?.reason?.kind, "Worse", run?.reason?.message);
    assert.equal(run.touched, 2);
    const given = run.sidecars.filter(({ wave }) => wave !== null).map(({ node }) => node);
    for (const [i, node] of NODES.entries()) {
      await envoys[i]?.until(async () => (await get(ports[i] ?? 0, "/")).headers["x-version"] === "first");
      const answers = await load[i]?.stop();
      const marks = new Set(answers?.map(({ headers }) => headers["x-version"]));
      if (!given.includes(node)) assert.deepEqual([...marks], ["first"], node);
    }
  });

  test("commands are done by whichever is asked, also after the killed one is back", async () => {
    const dead = planes.findIndex((plane) => plane.controlPlane?.isRunning !== true);
    await planeOf(dead).startControlPlane();
    const at = ["--http", `127.0.0.1:${String(planeOf(dead).httpPort)}`, "--state", planeOf(dead).state];
    assert.match(await planeOf(dead).meshwright("rollout", ["retry", "faulty", ...at]), /run 2 starts/);
    assert.match(await planeOf(dead).meshwright("rollout", ["abort", "faulty", ...at]), /rolling back/);
    await until(async () => (await report(dead)).run?.phase === "RolledBack", 30_000);
    assert.deepEqual((await report(1 - dead)).run?.number, 2);
  });
});
