// What two real sidecars tell the control plane, beside what they were sent.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { bootstrapJson, createBootstrap, MODULES_CLUSTER } from "../controlplane/bootstrap/index.ts";
import { ControlPlane } from "../controlplane/control/index.ts";
import type { ExperimentsReport, LimitsReport, StatusReport } from "../controlplane/api/index.ts";
import type { Figures } from "../controlplane/fleet/index.ts";
import { FolderSource } from "../controlplane/source/index.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { runCommand } from "./support/command.ts";
import { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";

const NODES = ["web-1", "web-2"] as const;
const SPLIT = {
  key: [{ header: "x-user" }],
  variants: [50, 50].map((share, i) => ({ name: `v${i}`, weight: share * 100 })),
};
const LIMIT = {
  name: "per-user",
  key: [{ header: "x-user" }],
  tokenBucket: { maxTokens: 5, tokensPerFill: 5, fillInterval: "1h" },
};

/** Waits for as many milliseconds as its path says; `/error` is an error. */
function startSlowApp(): Promise<Server> {
  const app = createServer(({ url = "" }, response) => {
    if (url === "/error") response.writeHead(503);
    setTimeout(() => response.end(), Number(/^\/(\d+)$/.exec(url)?.[1] ?? 0));
  });
  return new Promise((resolve) => app.listen(0, "127.0.0.1", () => resolve(app)));
}

function policy(name: string, configuration: object, more = ""): string {
  return `---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: ${name} }
spec:
  targetRefs: [{ kind: Service, name: web }]
  module: ${name}
  ${more}
  configuration: ${JSON.stringify(configuration)}
`;
}

describe("the statistics of two sidecars", () => {
  const apps: Server[] = [];
  let mesh: Mesh;
  let plane: ControlPlane;
  const envoys = new Map<string, Envoy>();
  const ports = new Map<string, number>();
  const bootstraps = new Map<string, { readonly text: string; readonly adminPort: number }>();
  const startedAt = Date.now();

  before(async () => {
    mesh = await Mesh.create({ isSecure: false });
    mesh.write("probe.wasm", await probeModule());
    for (const name of ["ab-routing", "ratelimit"]) mesh.write(`${name}.wasm`, await filterModule(name));
    const endpoints = [];
    for (const node of NODES) {
      const [port = 0, adminPort = 0] = await freePorts(2);
      ports.set(node, port);
      const app = await startSlowApp();
      apps.push(app);
      endpoints.push({
        address: "127.0.0.1",
        port: (app.address() as AddressInfo).port,
        sidecar: { node, inboundPort: port },
      });
      const bootstrap = createBootstrap({
        node,
        service: "web",
        xds: { host: "127.0.0.1", port: mesh.xdsPort },
        http: { host: "127.0.0.1", port: mesh.httpPort },
        protocol: "delta",
        admin: { host: "127.0.0.1", port: adminPort },
        statsIntervalMs: 250,
      });
      bootstraps.set(node, { text: JSON.stringify(bootstrapJson(bootstrap)), adminPort });
    }
    const modules = ["ab-routing", "ratelimit", "probe"].map(
      (name) => `---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: ${name} }
spec: { file: ${name}.wasm }
`,
    );
    mesh.write(
      "mesh.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec: { port: 80, endpoints: ${JSON.stringify(endpoints)} }
${modules.join("")}${policy("probe", { mark: "one" })}${policy("ratelimit", { limits: [LIMIT] }, "order: 20")}${policy(
        "ab-routing",
        { experiments: [{ name: "shop", header: "x-shop", measure: true, split: SPLIT, default: "v0" }] },
        "order: 30",
      )}`,
    );
    plane = await ControlPlane.start({
      source: new FolderSource(mesh.config),
      stateFolder: join(mesh.folder, "state"),
      xds: { host: "127.0.0.1", port: mesh.xdsPort },
      http: { host: "127.0.0.1", port: mesh.httpPort },
      modulesCluster: MODULES_CLUSTER,
      keepStats: ["http.inbound.downstream_cx_total"],
      log: pino({ enabled: false }),
    });
    await Promise.all(NODES.map(startSidecar));
    for (const node of NODES) await mesh.until(node, ({ state }) => state === "ready");
  });
  after(async () => {
    for (const envoy of envoys.values()) await envoy.stop();
    await plane.close();
    await mesh.stop();
    for (const app of apps) app.close().closeAllConnections();
  });

  async function startSidecar(node: string): Promise<void> {
    const { text = "", adminPort = 0 } = bootstraps.get(node) ?? {};
    envoys.set(node, await Envoy.start(node, text, adminPort));
  }
  const send = (node: string, path: string, headers: Record<string, string> = {}): Promise<number> =>
    get(ports.get(node) ?? 0, path, { headers }).then(({ status }) => status);
  const figures = (...nodes: string[]): Figures => plane.stats.figures(nodes, startedAt - 10_000, Date.now());
  const until = (condition: () => boolean): Promise<void> =>
    envoys.get("web-2")?.until(() => Promise.resolve(condition())) ?? Promise.reject(new Error("no sidecar"));
  const api = async (path: string): Promise<unknown> => JSON.parse((await get(mesh.httpPort, path)).body) as unknown;

  test("figures of a sidecar and of both equal what they were sent", async () => {
    // web-1: 20 quick ones and 10 of 100 ms, all of one user, of whom 5 pass; web-2: 4 errors and 6 others, of ten users.
    for (let i = 0; i < 30; ++i) await send("web-1", i % 3 === 0 ? "/100" : "/0", { "x-user": `u${i % 6}` });
    for (let i = 0; i < 10; ++i) await send("web-2", i < 4 ? "/error" : "/0", { "x-user": `w${i}` });
    for (let i = 0; i < 7; ++i) await send("web-2", "/0", { "x-user": "greedy" });
    await until(() => figures(...NODES).requests >= 47 && figures(...NODES).latencyMs.count >= 47);

    const [one, two, both] = [figures("web-1"), figures("web-2"), figures(...NODES)];
    assert.deepEqual([one.requests, one.errors5xx, one.denials], [30, 0, 0]);
    assert.deepEqual([two.requests, two.errors5xx, two.denials], [17, 4, 2]);
    assert.deepEqual([both.requests, both.errors5xx, both.sidecars], [47, 4, 2]);
    assert.equal(one.merge(two).requests, 47);
    assert.equal(both.http("outbound").requests, 0);
    assert.equal(both.latencyMs.count, 47);
    const slow = one.latencyMs.quantile(0.9) ?? 0;
    assert.ok(slow >= 95 && slow < 180, `p90 ${slow} ms where a third takes 100 ms`);
    assert.ok((one.latencyMs.quantile(0.5) ?? Infinity) < 60);
    assert.equal(both.vmFailures, 0);
    assert.ok((both.memory?.min ?? 0) > 1e6 && both.memory?.sidecars === 2);
    assert.equal(both.stat("server.concurrency"), 2);
    assert.equal(both.stat("http.inbound.downstream_cx_total"), 47);
    for (const [name, count] of both.totals.counters) {
      const told = [...envoys.values()].map((envoy) => envoy.stat(name));
      if (name.startsWith("http.inbound.")) {
        assert.equal(
          (await Promise.all(told)).reduce((sum, value) => sum + value, 0),
          count,
          name,
        );
      }
    }
  });

  test("the API and the commands show traffic, experiments and limits over both", async () => {
    const { sidecars } = (await api("/api/v1/status")) as StatusReport;
    for (const { traffic } of sidecars) assert.ok((traffic?.requestsPerSecond ?? 0) > 0 && traffic?.memoryBytes);
    assert.equal(sidecars[0]?.traffic?.errors5xxPerSecond, 0);
    assert.ok((sidecars[1]?.traffic?.errors5xxPerSecond ?? 0) > 0);

    const experiments = (await api("/api/v1/experiments")) as ExperimentsReport;
    const [shop] = experiments.policies[0]?.experiments ?? [];
    const sum = (what: "keys" | "requests" | "errors"): number =>
      shop?.variants.reduce((total, variant) => total + variant[what], 0) ?? 0;
    // Six users of web-1 and eleven of web-2; two requests were refused before they came to the experiment.
    assert.deepEqual([sum("keys"), sum("requests"), sum("errors")], [17, 45, 4]);
    assert.ok(shop !== undefined && shop.variants.every(({ latencyMs }) => latencyMs !== undefined));
    assert.equal(shop.sampleRatio.mismatch, false);

    const limits = (await api("/api/v1/limits")) as LimitsReport;
    const [{ limit, allowed, limited, shadowLimited } = {}] = limits.limits;
    assert.deepEqual([limit, allowed, limited, shadowLimited], ["per-user", 45, 2, 0]);

    const http = ["--insecure", "--http", `127.0.0.1:${String(mesh.httpPort)}`];
    const run = async (...args: string[]): Promise<string> => {
      const { code, output } = await runCommand([...args, ...http], { cwd: root });
      assert.equal(code, 0, output);
      return output;
    };
    const [abStatus, limitsShown, status] = await Promise.all([run("ab", "status"), run("limits"), run("status")]);
    assert.match(abStatus, /^shop, compared with v0\n[^]*told by 2 sidecars$/m);
    assert.match(limitsShown, /^per-user +[\d.]+ +[\d.]+ +45 +2 +0$/m);
    assert.match(status, /^web-2 +web +\S+ +delta +ready +- +[\d.]+ +[\d.]+ % +[\d.]+ MiB +/m);
    const refused = await runCommand(["ab", "status", "--policy", "other", ...http], { cwd: root });
    assert.equal(refused.code, 2);
    assert.match(refused.output, /serves no FilterPolicy other .*; there is ab-routing/);
  });

  test("traps are counted, and counters go on over a restart of Envoy", async () => {
    const before = figures("web-1");
    assert.equal(await send("web-1", "/0", { "x-trap": "1", "x-user": "trap" }), 503);
    await until(() => figures("web-1").errors5xx === before.errors5xx + 1);
    // The worker whose VM trapped starts another with its next request, once Envoy has waited for a moment.
    const isServedAgain = async (): Promise<boolean> => {
      for (let i = 0; i < 10; ++i) if ((await send("web-1", "/0", { "x-user": `v${i % 3}` })) === 503) return false;
      return figures("web-1").vmFailures > 0;
    };
    await envoys.get("web-1")?.until(isServedAgain);
    await sleep(1_000); // Until all of it is told.

    const sent = figures("web-1").requests;
    await envoys.get("web-1")?.stop();
    await startSidecar("web-1");
    await mesh.until("web-1", ({ state }) => state === "ready");
    for (let i = 0; i < 3; ++i) assert.equal(await send("web-1", "/0", { "x-user": `x${i}` }), 200);
    await until(() => figures("web-1").requests >= sent + 3);
    assert.equal(figures("web-1").requests, sent + 3);
    const { policies } = (await api("/api/v1/experiments")) as ExperimentsReport;
    const requests = policies[0]?.experiments[0]?.variants.reduce((total, variant) => total + variant.requests, 0);
    assert.ok((requests ?? 0) >= 48);
  });
});
