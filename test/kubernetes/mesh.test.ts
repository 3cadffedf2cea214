// A mesh whose resources are in a real cluster: three Services with six sidecars, real Envoys, two control planes on one etcd, under traffic.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Balancer } from "../support/balancer.ts";
import { Etcd } from "../support/etcd.ts";
import { gatewayDefinitions } from "../support/gateway-definitions.ts";
import { get } from "../support/http.ts";
import { Kubernetes, withoutKubernetes, type KubernetesObject } from "../support/kubernetes.ts";
import { endpointSlice, pod, service } from "../support/kubernetes-objects.ts";
import { Load } from "../support/load.ts";
import { Mesh } from "../support/mesh.ts";
import { freePorts } from "../support/ports.ts";
import { fixtureModule } from "../support/probe.ts";
import { until } from "../support/until.ts";

/** Why not: EndpointSlices take no address of loopback, and only root can give this machine another. */
function without(): string | undefined {
  const reason = withoutKubernetes();
  if (reason !== undefined) return reason;
  if (process.getuid?.() !== 0 || spawnSync("ip", ["-V"]).status !== 0) return "needs root, and the command ip";
  return process.env["ENVOY_BIN"] === undefined ? "ENVOY_BIN is not set" : undefined;
}

const gateway = without() === undefined ? await gatewayDefinitions() : undefined;
const skip = without() ?? (gateway === undefined ? "the Gateway API's definitions are not here" : undefined);
const NAMESPACE = "shop";
const names = ["web", "api", "db"];
const PORT = 8080;
const LEADS = /leads the Rollouts$/m;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

describe("a mesh in a cluster", { skip }, () => {
  let kubernetes: Kubernetes;
  let etcd: Etcd;
  /** The one that leads at first, and has the sidecars. */
  let mesh: Mesh;
  let standby: Mesh;
  const balancers: Balancer[] = [];
  const addresses: string[] = [];
  const apps: Server[] = [];
  const loads: Load[] = [];
  const outbound = new Map<string, number>();

  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyDefinitions(gateway);
    const serve = ["--kubernetes", "--kubeconfig", kubernetes.kubeconfig];
    etcd = await Etcd.start();
    serve.push("--store", `${etcd.hosts[0]?.replace("http", "etcd") ?? ""}/mesh`);
    serve.push("--stats-window", "1000", "--pre-checks", "off");
    mesh = await Mesh.create({ source: "applied", serve });
    standby = await Mesh.create({ source: "applied", serve });
    await kubernetes.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
    const octet = 1 + Math.floor(Math.random() * 250);
    for (const [s, name] of names.entries()) {
      const members = await Promise.all(
        [1, 2].map(async (n) => {
          const address = `10.77.${String(octet)}.${String(10 * s + n)}`;
          spawnSync("ip", ["addr", "add", `${address}/32`, "dev", "lo"]);
          addresses.push(address);
          const [outboundPort = 0] = await freePorts(1);
          outbound.set(`${name}-${String(n)}`, outboundPort);
          await startApp(name, address);
          await kubernetes.apply(
            pod(NAMESPACE, `${name}-${String(n)}`, address, {
              injected: true,
              outboundPort,
              account: `${name}-account`,
            }),
          );
          return { pod: `${name}-${String(n)}`, address };
        }),
      );
      await kubernetes.apply(service(NAMESPACE, name, { port: 80 }), endpointSlice(NAMESPACE, name, PORT, members));
    }
    await kubernetes.apply(
      {
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "modules", namespace: NAMESPACE } },
        binaryData: { "faulty.wasm": Buffer.from(await fixtureModule("faulty")).toString("base64") },
      },
      own("WasmModule", "faulty", { file: "modules/faulty.wasm" }),
      own("MeshService", "db", { mtls: "Strict" }),
      filter({ mark: "first" }),
      own("Rollout", "faulty", {
        targetRefs: [{ kind: "FilterPolicy", name: "faulty" }],
        waves: [
          { percentage: 50, bake: "1s" },
          { percentage: 100, bake: "1s" },
        ],
        analysis: { minRequests: 20, checks: [{ metric: "Errors" }] },
        answerTimeout: "40s",
      }),
    );
    await mesh.startControlPlane();
    await mesh.controlPlane?.waitFor(LEADS);
    // Both issue with one authority.
    cpSync(join(mesh.state, "authority"), join(standby.state, "authority"), { recursive: true });
    await standby.startControlPlane();
    balancers.push(await Balancer.start(mesh.xdsPort), await Balancer.start(mesh.httpPort));
    const [xds = 0, http = 0] = balancers.map(({ port }) => port);
    for (const name of names) {
      for (const n of [1, 2]) {
        const node = `${name}-${String(n)}.${NAMESPACE}`;
        await mesh.startSidecar(node, `${name}.${NAMESPACE}`, { through: { xds, http } });
      }
    }
    await mesh.untilReady();
  });
  after(async () => {
    for (const load of loads) await load.stop().catch(() => undefined);
    await mesh.stop();
    await standby.stop();
    for (const balancer of balancers) balancer.stop();
    await etcd.stop();
    for (const app of apps) app.close().closeAllConnections();
    for (const address of addresses) spawnSync("ip", ["addr", "del", `${address}/32`, "dev", "lo"]);
    await kubernetes.stop();
  });

  const own = (kind: string, name: string, spec: object): KubernetesObject => ({
    apiVersion: "meshwright.dev/v1alpha1",
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  });
  const filter = (configuration: object): KubernetesObject =>
    own("FilterPolicy", "faulty", { targetRefs: [{ name: "api" }], module: "faulty", configuration });
  const route = (backend: string): KubernetesObject => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web", namespace: NAMESPACE },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
      rules: [{ backendRefs: [{ name: backend, port: 80 }] }],
    },
  });

  async function startApp(name: string, address: string, port = PORT): Promise<void> {
    const app = createServer((request, response) => {
      request.resume();
      response.end(name);
    });
    apps.push(app);
    app.listen(port, address);
    await once(app, "listening");
  }

  const ask = async (pod: string, host: string): Promise<string> => {
    const { status, body } = await get(outbound.get(pod) ?? 0, "/", { headers: { host } });
    return status === 200 ? body : String(status);
  };
  const conditionsOf = async (object: KubernetesObject): Promise<Map<string, Condition>> => {
    const { conditions = [] } = ((await kubernetes.get(object))["status"] ?? {}) as { conditions?: Condition[] };
    return new Map(conditions.map((condition) => [condition.type, condition]));
  };
  const untilCondition = async (
    object: KubernetesObject,
    type: string,
    holds: (condition: Condition) => boolean,
  ): Promise<Condition> => {
    let found: Condition | undefined;
    try {
      await until(async () => {
        found = (await conditionsOf(object)).get(type);
        return found !== undefined && holds(found);
      }, 60_000);
    } catch {
      const present = JSON.stringify(await kubernetes.get(object), undefined, 1);
      throw new Error(
        `${type} of ${object.kind} is ${JSON.stringify(found)}\n${present}\n${mesh.controlPlane?.output ?? ""}\n${standby.controlPlane?.output ?? ""}`,
      );
    }
    return found!;
  };
  const events = async (name: string): Promise<readonly KubernetesObject[]> => {
    const { body } = await kubernetes.request("GET", `/api/v1/namespaces/${NAMESPACE}/events`);
    return (body.items ?? []).filter(({ involvedObject }) => (involvedObject as { name?: string }).name === name);
  };
  const untilEvent = (name: string, reason: string): Promise<void> =>
    until(async () => (await events(name)).some((event) => event["reason"] === reason), 60_000);

  test("serves what is in the cluster, by the names that it has there", async () => {
    assert.equal(await ask("web-1", "api"), "api");
    assert.equal(await ask("web-1", "api.shop"), "api");
    assert.equal(await ask("web-1", "api.shop.svc.cluster.local:80"), "api");
    // With mutual TLS, by certificates of their service accounts.
    assert.equal(await ask("api-2", "db.shop.svc"), "db");
    for (const name of names) {
      const certificates = await mesh.envoys.get(`${name}-1.${NAMESPACE}`)?.admin("/certs");
      assert.match(certificates ?? "", new RegExp(`spiffe://cluster.local/ns/shop/sa/${name}-account"`));
    }
    for (const object of [own("MeshService", "db", {}), own("WasmModule", "faulty", {}), filter({})]) {
      const programmed = await untilCondition(object, "Programmed", ({ status }) => status === "True");
      assert.equal(programmed.observedGeneration, 1);
      assert.equal((await conditionsOf(object)).get("Accepted")?.status, "True");
    }
    assert.equal((await conditionsOf(filter({}))).get("Programmed")?.message, "2 of 2 sidecars run it");
    // From now on no request may fail.
    for (const pod of ["web-1", "web-2", "db-1"]) {
      loads.push(new Load(outbound.get(pod) ?? 0, "/", { headers: { host: "api.shop.svc" } }));
    }
  });

  test("a route of the Gateway API, and its status", async () => {
    await kubernetes.apply(route("api"));
    await until(async () => (await ask("db-1", "web.shop")) === "api", 30_000);
    const parents = async (): Promise<{ controllerName: string; conditions: Condition[] }[]> => {
      const status = (await kubernetes.get(route("api")))["status"] as { parents?: [] } | undefined;
      return status?.parents ?? [];
    };
    await until(async () => (await parents()).length === 1, 30_000);
    const [parent] = await parents();
    assert.equal(parent?.controllerName, "meshwright.dev/mesh");
    const told = (conditions: readonly Condition[] = []): string[][] =>
      conditions.map(({ type, status, reason }) => [type, status, reason]);
    await until(async () => told((await parents())[0]?.conditions)[0]?.[1] === "True", 30_000);
    assert.deepEqual(told((await parents())[0]?.conditions), [
      ["Accepted", "True", "Accepted"],
      ["ResolvedRefs", "True", "ResolvedRefs"],
    ]);
    await kubernetes.apply(route("nobody"));
    await until(async () => (await parents())[0]?.conditions[1]?.reason === "BackendNotFound", 30_000);
    await until(async () => (await ask("db-1", "web.shop")) === "500", 30_000);
    await kubernetes.apply(route("db"));
    await until(async () => (await ask("db-1", "web.shop")) === "db", 30_000);
  });

  test("a Service with several ports is called by each of them, and a route is that of its port", async () => {
    const address = (addresses[0] ?? "").replace(/\d+$/, "250");
    spawnSync("ip", ["addr", "add", `${address}/32`, "dev", "lo"]);
    addresses.push(address);
    await startApp("first port", address);
    await startApp("second port", address, PORT + 1);
    const several = { name: "several", namespace: NAMESPACE };
    const toPort = (port: number, backend: object): KubernetesObject => ({
      ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" },
      metadata: { name: `several-${String(port)}`, namespace: NAMESPACE },
      spec: {
        parentRefs: [{ group: "", kind: "Service", name: "several", port }],
        rules: [{ backendRefs: [backend] }],
      },
    });
    await kubernetes.apply(
      {
        ...{ apiVersion: "v1", kind: "Service", metadata: several },
        spec: {
          ports: [
            { name: "http", port: 80, targetPort: PORT },
            { name: "http-more", port: 9090, targetPort: PORT + 1 },
          ],
        },
      },
      {
        ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
        metadata: { ...several, labels: { "kubernetes.io/service-name": "several" } },
        ports: [
          { name: "http", port: PORT, protocol: "TCP" },
          { name: "http-more", port: PORT + 1, protocol: "TCP" },
        ],
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
      },
    );
    await until(async () => (await ask("db-1", "several.shop")) === "first port", 30_000);
    assert.equal(await ask("db-1", "several:80"), "first port");
    for (const host of ["several:9090", "several.shop:9090", "several.shop.svc.cluster.local:9090"]) {
      assert.equal(await ask("db-1", host), "second port", host);
    }
    await kubernetes.apply(toPort(9090, { name: "api", port: 80 }));
    await until(async () => (await ask("db-1", "several.shop:9090")) === "api", 30_000);
    assert.equal(await ask("db-1", "several.shop"), "first port");
    await kubernetes.apply(toPort(80, { name: "several", port: 9090 }));
    await until(async () => (await ask("db-1", "several.shop")) === "second port", 30_000);
    assert.equal(await ask("db-1", "several.shop:9090"), "api");
  });

  test("a Rollout goes on, in its status and in events too, after the API server is killed and the control plane that leads", async () => {
    const rollout = own("Rollout", "faulty", {});
    const fields = async (): Promise<Record<string, unknown>> =>
      ((await kubernetes.get(rollout))["status"] ?? {}) as Record<string, unknown>;
    await kubernetes.apply(filter({ mark: "second" }));
    await untilEvent("faulty", "Started");
    assert.doesNotMatch(standby.controlPlane?.output ?? "", LEADS);
    await kubernetes.kill();
    await mesh.controlPlane?.stop("SIGKILL");
    for (const [i, port] of [standby.xdsPort, standby.httpPort].entries()) balancers[i]?.turnTo(port);
    await kubernetes.begin();
    await standby.controlPlane?.waitFor(LEADS, { timeoutMs: 60_000 });
    await untilEvent("faulty", "Promoted");
    await until(async () => (await fields())["phase"] === "Settled", 60_000);
    const { wave, health } = await fields();
    assert.deepEqual([wave, health], ["2/2", "Healthy"]);
    // By the one that has the sidecars now.
    const programmed = await untilCondition(filter({}), "Programmed", ({ status }) => status === "True");
    assert.equal(programmed.message, "2 of 2 sidecars run it");
    assert.equal(programmed.observedGeneration, 2);
    // The other one comes back, and leaves the lead where it is.
    await mesh.startControlPlane();
  });

  test("a bad filter is undone, and the status says why", async () => {
    await kubernetes.apply(filter({ mark: "bad", refuseInEnvoy: true }));
    await untilEvent("faulty", "RollingBack");
    // That a sidecar refuses it may be told before that it is undone.
    const degraded = await untilCondition(filter({}), "Degraded", ({ reason }) => reason === "RolledBack");
    assert.match(degraded.message, /rejected it/);
    const rollout = await untilCondition(own("Rollout", "faulty", {}), "Degraded", ({ status }) => status === "True");
    assert.equal(rollout.reason, "RolledBack");
    await kubernetes.apply(filter({ mark: "third" }));
    await untilCondition(own("Rollout", "faulty", {}), "Degraded", ({ status }) => status === "False");
  });

  test("a faulty resource is named, and the others are served on", async () => {
    const lost = own("FilterPolicy", "lost", { targetRefs: [{ name: "nobody" }], module: "faulty" });
    await kubernetes.apply(lost);
    const accepted = await untilCondition(lost, "Accepted", ({ status }) => status === "False");
    assert.match(accepted.message, /^spec\.targetRefs\[0\]\.name: there is no Service "nobody\.shop"/);
    await untilEvent("lost", "Invalid");
    const mended = own("FilterPolicy", "lost", {
      ...{ targetRefs: [{ name: "web" }], module: "faulty", configuration: { mark: "lost" } },
    });
    await kubernetes.apply(mended);
    const { observedGeneration } = await untilCondition(mended, "Accepted", ({ status }) => status === "True");
    assert.equal(observedGeneration, 2);
    await untilCondition(mended, "Programmed", ({ status }) => status === "True");
  });

  test("no request failed in all this time", async () => {
    for (const load of loads) {
      const answers = await load.stop();
      assert.ok(answers.length > 100, `${String(answers.length)} requests`);
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    }
  });
});
