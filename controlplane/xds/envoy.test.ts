import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";

import { ServerCredentials } from "@grpc/grpc-js";

import { addMetricsService, Fleet, loadedFilters, NodeStats } from "../fleet/index.ts";
import { envoyBinary } from "../../setup/envoy.mjs";
import { freePorts } from "../../test/support/ports.ts";
import { createSnapshot, type Protocol, type Resource, type Snapshot, TypeUrl, XdsServer } from "./index.ts";
import { eventually, type RunningEnvoy, startEnvoy } from "./testdata/envoy.ts";
import { compileFilter, type Module, type ModuleServer, serveModules } from "./testdata/modules.ts";
import { edsCluster, endpoints, listener, route, wasmFilter } from "./testdata/resources.ts";

const NODE = "sidecar";

let binary: string;
let one: Module;
let two: Module;
let refusing: Module;
let modules: ModuleServer;
let upstream: { readonly port: number; close(): void };

let port: number;
let snapshot: Snapshot;
let fleet: Fleet;
let stats: NodeStats;
let server: XdsServer;
let xdsPort: number;
let envoy: RunningEnvoy;
let outcomes: string[];

before(async () => {
  binary = await envoyBinary();
  [one, two, refusing] = await Promise.all([
    compileFilter("one"),
    compileFilter("two"),
    compileFilter("refusing", false),
  ]);
  modules = await serveModules([one, two, refusing]);
  const other = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await once(other, "listening");
  upstream = {
    port: (other.address() as AddressInfo).port,
    close: () => {
      other.closeAllConnections();
      other.close();
    },
  };
});

after(async () => {
  await modules.close();
  upstream.close();
});

beforeEach(async () => {
  [port = 0] = await freePorts(1);
});

afterEach(async () => {
  await envoy.stop();
  await server.close();
});

/** A control plane that knows nothing of any proxy. */
async function startServer(at = 0): Promise<void> {
  fleet = new Fleet();
  stats = new NodeStats();
  outcomes = [];
  for (const kind of ["acked", "rejected", "prewarming"] as const) {
    fleet.on(kind, ({ typeUrl, resources }) => {
      outcomes.push(`${kind} ${typeUrl.split(".").pop()} ${resources.map(({ name }) => name).join(" ")}`);
    });
  }
  server = new XdsServer({ source: { snapshot: () => snapshot }, observer: fleet });
  addMetricsService(server.grpc, stats);
  xdsPort = await server.listen(`127.0.0.1:${at}`, ServerCredentials.createInsecure());
}

async function start(protocol: Protocol, resources: readonly Resource[]): Promise<void> {
  snapshot = createSnapshot(resources);
  await startServer();
  envoy = await startEnvoy(binary, NODE, protocol, xdsPort);
  await eventually("an answer", async () => ((await get()).startsWith("200") ? true : undefined));
}

async function serve(resources: readonly Resource[]): Promise<void> {
  snapshot = createSnapshot(resources, snapshot);
  server.update();
  await nextTurn(); // Streams take the new snapshot in the next turn.
}

/** The status of a request through Envoy, and which version of the filter saw it. */
async function get(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  await response?.text();
  return response ? `${response.status} ${response.headers.get("x-filter") ?? "-"}` : "refused";
}

/** Envoy's dump of its filters, without the times at which it took them. */
async function filterDump(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${envoy.admin}/config_dump?resource=ecds_filters`);
  return (await response.text()).replace(/"last_updated": "[^"]*"/g, "");
}

/** Sends requests until the fleet agrees, and gives their distinct answers in order. */
async function requestsUntil(what: string, agreed: () => boolean): Promise<string[]> {
  const answers: string[] = [];
  await eventually(what, async () => {
    const answer = await get();
    if (answers.at(-1) !== answer) answers.push(answer);
    return agreed() ? true : undefined;
  });
  return answers;
}

function allSynced(): boolean {
  const types = fleet.node(NODE)?.types ?? [];
  return types.length > 0 && types.every(({ resources }) => resources.every(({ state }) => state === "synced"));
}

function stateOf(typeUrl: string, name: string): string | undefined {
  const type = fleet.node(NODE)?.types.find((candidate) => candidate.typeUrl === typeUrl);
  return type?.resources.find((resource) => resource.name === name)?.state;
}

function acknowledged(): number {
  return Math.max(...(fleet.node(NODE)?.types ?? []).map(({ ackedAt }) => ackedAt ?? 0));
}

for (const protocol of ["sotw", "delta"] as const) {
  const withFilter = ({ sha256 }: Module): Resource[] => [
    edsCluster("app"),
    endpoints("app", modules.port),
    listener("l", port, "r", ["f"]),
    route("r", "app"),
    wasmFilter("f", { sha256, cluster: "app", vmId: sha256 }),
  ];

  test(`${protocol}: a new module replaces the old one without a request that meets neither; a bad one does not`, async () => {
    await start(protocol, withFilter(one));
    assert.equal(await get(), "200 one");
    await eventually("everything synced", () => allSynced() || undefined);
    const filters = [{ name: "f", vm: one.sha256 }];
    await eventually(
      "proof that the first module runs",
      () => loadedFilters(filters, acknowledged(), stats.of(NODE), Date.now()).get("f") === "loaded" || undefined,
    );

    outcomes.length = 0;
    await serve(withFilter(two));
    const answers = await requestsUntil("the second module", allSynced);
    assert.equal(await get(), "200 two");
    assert.ok(
      answers.every((answer) => answer === "200 one" || answer === "200 two"),
      answers.join(),
    );
    assert.deepEqual(outcomes, ["prewarming TypedExtensionConfig f", "acked TypedExtensionConfig f"]);

    const shown = await filterDump();
    outcomes.length = 0;
    await serve(withFilter(refusing));
    assert.deepEqual(await requestsUntil("prewarming", () => stateOf(TypeUrl.extensionConfig, "f") === "prewarming"), [
      "200 two",
    ]);
    await serve(withFilter(two));
    await eventually("the running module again", () => allSynced() || undefined);
    assert.equal(await get(), "200 two");
    assert.equal(outcomes.filter((outcome) => outcome.startsWith("rejected")).length, 0);
    // Envoy shows what it was sent last, refused or not, so it is sent what it runs once more, in the very bytes.
    await eventually("the dump of before", async () => ((await filterDump()) === shown ? true : undefined));
    assert.equal(outcomes.at(-1), "acked TypedExtensionConfig f");
    assert.equal(outcomes.filter((outcome) => outcome.startsWith("acked")).length, 1);
    assert.equal(await get(), "200 two");
  });

  test(`${protocol}: R22: a route moves to a new cluster without a failed request, and the old cluster goes`, async () => {
    const through = (name: string, port_: number): Resource[] => [
      edsCluster(name),
      endpoints(name, port_),
      listener("l", port, "r"),
      route("r", name),
    ];
    await start(protocol, through("x", modules.port));
    await eventually("everything synced", () => allSynced() || undefined);
    outcomes.length = 0;
    await serve(through("y", upstream.port));
    const clusters = async (): Promise<number> =>
      (await envoy.stats("^cluster_manager.active_clusters$")).values().next().value ?? 0;
    const answers = await requestsUntil("the new cluster", allSynced);
    assert.deepEqual(answers, ["200 -"]);
    await eventually("the old cluster gone", async () => ((await clusters()) === 2 ? true : undefined));
    const routeAt = outcomes.indexOf("acked RouteConfiguration r");
    const removalAt = outcomes.findIndex((outcome) => /^acked Cluster (x|y x)$/.test(outcome));
    assert.ok(routeAt > outcomes.indexOf("acked Cluster y"), outcomes.join("; "));
    assert.ok(removalAt > routeAt, outcomes.join("; "));
  });

  test(`${protocol}: R23: a cluster that changes is warm at once, though its endpoints did not change`, async () => {
    const withTimeout = (seconds: number): Resource[] => [
      edsCluster("app", seconds),
      endpoints("app", modules.port),
      listener("l", port, "r"),
      route("r", "app"),
    ];
    await start(protocol, withTimeout(1));
    await eventually("everything synced", () => allSynced() || undefined);
    outcomes.length = 0;
    await serve(withTimeout(2));
    await eventually("everything synced", () => allSynced() || undefined);
    assert.deepEqual(outcomes.sort(), ["acked Cluster app", "acked ClusterLoadAssignment app-endpoints"]);
    // Without endpoints Envoy would have given up on them after 15 s.
    const timeouts = await envoy.stats("^cluster.app.init_fetch_timeout$");
    assert.equal(timeouts.get("cluster.app.init_fetch_timeout"), 0);
    assert.equal(await get(), "200 -");
  });

  test(`${protocol}: R23: so it is when the proxy comes back while it warms the changed cluster`, async () => {
    const withTimeout = (seconds: number): Resource[] => [
      edsCluster("app", seconds),
      listener("l", port, "r"),
      route("r", "app"),
    ];
    const there = endpoints("app", modules.port);
    await start(protocol, [...withTimeout(1), there]);
    await eventually("everything synced", () => allSynced() || undefined);
    await serve(withTimeout(2));
    const warming = "cluster_manager.warming_clusters";
    await eventually("the cluster warming", async () => (await envoy.stats(`^${warming}$`)).get(warming) || undefined);
    await server.close();
    snapshot = createSnapshot([...withTimeout(2), there]);
    await startServer(xdsPort);
    await eventually("everything synced", () => allSynced() || undefined);
    assert.deepEqual(outcomes, ["acked ClusterLoadAssignment app-endpoints"]);
    const timeouts = await envoy.stats("^cluster.app.init_fetch_timeout$");
    assert.equal(timeouts.get("cluster.app.init_fetch_timeout"), 0);
    assert.equal(await get(), "200 -");
  });

  test(`${protocol}: R13, R17: a proxy that reconnects to another control plane is sent nothing that it has`, async () => {
    await start(protocol, withFilter(one));
    await eventually("everything synced", () => allSynced() || undefined);
    await server.close();
    await startServer(xdsPort);
    await eventually("the proxy again, up to date", () => allSynced() || undefined);
    assert.deepEqual(outcomes, []);
    await serve(withFilter(two));
    await requestsUntil("the second module", allSynced);
    assert.equal(await get(), "200 two");
  });
}
