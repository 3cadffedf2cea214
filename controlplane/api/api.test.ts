import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { Figures, Fleet, NodeStats, NO_TOTALS, type NodeView, type Stat } from "../fleet/index.ts";
import { loadModel } from "../model/index.ts";
import { ModuleStore } from "../modules/index.ts";
import { InsecureAccess } from "../security/index.ts";
import { translate } from "../translate/index.ts";
import { TypeUrl, type ResourceStatus } from "../xds/index.ts";
import type { Release } from "../control/index.ts";
import { handleRequest, limitsReport, statusReport, type SidecarReport } from "./index.ts";
import type { ApiSource } from "./handler.ts";

const service = (name: string, node: string, port: number): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
  endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: { node: ${node}, inboundPort: ${String(port + 1)} } }]
`;

function releaseOf(text: string): Release {
  const loaded = loadModel([{ path: "mesh.yaml", text }]);
  assert.ok(loaded.ok);
  const settings = { modulesAuthority: "127.0.0.1:1", modulesCluster: "modules" };
  const translation = translate(loaded.model, new Map(), settings);
  return { model: loaded.model, modules: new Map(), translation, certificates: new Map() };
}

const release = releaseOf(service("web", "web-1", 8000) + service("db", "db-1", 8010));
const NOW = Date.UTC(2026, 0, 1);

function resource(state: ResourceStatus["state"], rejection: ResourceStatus["rejection"] = null): ResourceStatus {
  return {
    name: "r",
    version: "v1",
    sent: "v1",
    acked: state === "synced" ? "v1" : null,
    state,
    acceptedAt: null,
    rejection,
  };
}

function view(id: string, types: [typeUrl: string, resources: ResourceStatus[]][], connected = true): NodeView {
  return {
    node: {
      id,
      cluster: id.split("-")[0] ?? "",
      metadata: {},
      locality: { region: "", zone: "", subZone: "" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
      features: [],
    },
    connected,
    since: NOW - 60_000,
    lastSeen: NOW,
    protocol: "delta",
    peer: "127.0.0.1:9",
    streams: connected ? 1 : 0,
    types: types.map(([typeUrl, resources]) => ({
      typeUrl,
      version: "v",
      requested: true,
      ackedAt: NOW - 50_000,
      resources,
    })),
  };
}

const loaded: ReadonlyMap<string, Stat> = new Map(
  Object.entries({ "server.concurrency": 2, "wasm.envoy.wasm.runtime.v8.active": 4 }).map(([name, value]) => [
    name,
    { value, at: NOW },
  ]),
);

describe("status report", () => {
  const rejection = { version: "v1", message: "Envoy says no\n", time: NOW - 1000, shared: false };
  const cases: [what: string, view: NodeView, stats: ReadonlyMap<string, Stat>, state: string][] = [
    ["all is there", view("web-1", [[TypeUrl.cluster, [resource("synced")]]]), new Map(), "ready"],
    ["something is on its way", view("web-1", [[TypeUrl.cluster, [resource("pending")]]]), new Map(), "updating"],
    ["it has asked for nothing yet", view("web-1", []), new Map(), "updating"],
    [
      "it has not asked yet for what it will learn of",
      view("web-1", [
        [TypeUrl.cluster, [resource("synced")]],
        [TypeUrl.listener, [resource("not-requested")]],
      ]),
      new Map(),
      "updating",
    ],
    [
      "it asks no longer for what is to go",
      view("web-1", [
        [TypeUrl.cluster, [resource("synced")]],
        [TypeUrl.route, [{ ...resource("not-requested"), version: null }]],
      ]),
      new Map(),
      "ready",
    ],
    ["it rejected", view("web-1", [[TypeUrl.listener, [resource("rejected", rejection)]]]), new Map(), "faulty"],
    [
      "it rejected what is no longer wanted",
      view("web-1", [[TypeUrl.listener, [resource("synced", rejection)]]]),
      new Map(),
      "ready",
    ],
    ["a filter runs", view("web-1", [[TypeUrl.extensionConfig, [resource("synced")]]]), loaded, "ready"],
    [
      "a filter is only accepted",
      view("web-1", [[TypeUrl.extensionConfig, [resource("synced")]]]),
      new Map(),
      "updating",
    ],
    ["it is gone", view("web-1", [[TypeUrl.cluster, [resource("synced")]]], false), new Map(), "disconnected"],
    ["nobody knows it", view("other-1", [[TypeUrl.cluster, [resource("synced")]]]), new Map(), "unknown-node"],
  ];
  for (const [what, node, stats, state] of cases) {
    test(`${what}: ${state}`, () => {
      const report = statusReport(
        {
          release,
          appliedAt: new Date(NOW),
          refused: [],
          fleet: { nodes: () => [node] },
          stats: { of: () => stats, figures: () => new Figures(NO_TOTALS) },
        },
        NOW,
      );
      const sidecar = report.sidecars.find((other) => other.node === node.node.id);
      assert.ok(sidecar);
      assert.equal(sidecar.state, state);
      assert.equal(sidecar.reason !== undefined, state === "unknown-node");
      assert.deepEqual(
        sidecar.rejections.map(({ message }) => message),
        state === "faulty" ? ["Envoy says no"] : [],
      );
    });
  }

  test("what it told of its traffic in the last half minute", () => {
    const stats = new NodeStats();
    const requests = "http.inbound.downstream_rq_completed";
    const errors = "http.outbound.downstream_rq_5xx";
    for (let i = 0; i <= 20; ++i) {
      const counters = [
        [requests, i * 50],
        [errors, i * 5],
      ] as const;
      const gauges = [["server.memory_allocated", 1e6 + i]] as const;
      stats.record("web-1", { counters, gauges, histograms: [] }, NOW - (20 - i) * 5_000);
    }
    const of = (node: NodeView, now: number): SidecarReport | undefined => {
      const input = { release, appliedAt: undefined, refused: [], fleet: { nodes: () => [node] }, stats };
      return statusReport(input, now).sidecars.find((other) => other.node === node.node.id);
    };
    const web = view("web-1", []);
    const traffic = { requestsPerSecond: 10, errors5xxPerSecond: 1, memoryBytes: 1e6 + 20 };
    assert.deepEqual(of(web, NOW)?.traffic, traffic);
    assert.deepEqual(of(web, NOW + 20_000)?.traffic, traffic);
    assert.equal(of(web, NOW + 40_000)?.traffic, undefined);
    assert.equal(of({ ...web, connected: false }, NOW)?.traffic, undefined);
    assert.equal(of(view("db-1", []), NOW)?.traffic, undefined);
  });

  test("a sidecar that never came is missing", () => {
    const input = { release, appliedAt: undefined, refused: [], fleet: { nodes: () => [] }, stats: new NodeStats() };
    assert.deepEqual(
      statusReport(input, NOW).sidecars.map(({ node, state }) => [node, state]),
      [
        ["db-1", "missing"],
        ["web-1", "missing"],
      ],
    );
  });
});

test("limits over all sidecars: those that refused most lately first", () => {
  const stats = new NodeStats();
  for (const [node, scale] of [
    ["web-1", 1],
    ["web-2", 2],
  ] as const) {
    for (let i = 0; i <= 12; ++i) {
      const counters = [
        ["wasmcustom.ratelimit.a.allowed", 100 * i * scale],
        ["wasmcustom.ratelimit.a.limited", 1_000],
        ["wasmcustom.ratelimit.b.c.shadow_limited", 5 * i * scale],
        ["wasmcustom.ratelimit.exempt", scale],
      ] as const;
      stats.record(node, { counters, gauges: [], histograms: [] }, NOW - (12 - i) * 5_000);
    }
  }
  const none = { allowed: 0, limited: 0, shadowLimited: 0, allowedPerSecond: 0, limitedPerSecond: 0 };
  assert.deepEqual(limitsReport(stats, NOW), {
    sidecars: 2,
    limits: [
      { ...none, limit: "b.c", shadowLimited: 180, limitedPerSecond: 3 },
      { ...none, limit: "a", allowed: 3_600, limited: 2_000, allowedPerSecond: 60 },
    ],
    exempt: 3,
  });
});

test("a sidecar that cannot run its filters is faulty, and it is told what it does in their place", () => {
  const document = (kind: string, name: string, spec: string): string =>
    `---\napiVersion: meshwright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
  const target = "targetRefs: [{ name: web }], module: m";
  const filtered = releaseOf(
    service("web", "web-1", 8000) +
      document("WasmModule", "m", "{ file: m.wasm }") +
      document("FilterPolicy", "closed", `{ ${target} }`) +
      document("FilterPolicy", "open", `{ ${target}, failurePolicy: FailOpen }`),
  );
  const sidecar = view("web-1", []);
  const report = (node: Partial<typeof sidecar.node>, from = filtered): SidecarReport | undefined =>
    statusReport({
      ...{ release: from, appliedAt: undefined, refused: [], stats: new NodeStats() },
      fleet: { nodes: () => [{ ...sidecar, node: { ...sidecar.node, ...node } }] },
    }).sidecars.find(({ node: id }) => id === "web-1");
  const old = report({ userAgentName: "envoy", userAgentVersion: "1.36.2" });
  assert.equal(old?.state, "faulty");
  assert.deepEqual(old.withoutFilters, {
    reason: "Envoy 1.36.2 is older than 1.37",
    refusing: ["closed"],
    passing: ["open"],
  });
  assert.equal(report({ hasWasm: false })?.withoutFilters?.reason, "this Envoy was built without Wasm");
  assert.equal(
    report({ hasWasm: true, userAgentName: "envoy", userAgentVersion: "1.37.0" })?.withoutFilters,
    undefined,
  );
  // Without policies nothing is lacking.
  assert.equal(report({ hasWasm: false }, release)?.withoutFilters, undefined);
});

test("a sidecar that was built without Wasm is told of", () => {
  const sidecar = view("web-1", []);
  const report = (hasWasm?: boolean): SidecarReport | undefined =>
    statusReport({
      release,
      appliedAt: undefined,
      refused: [],
      fleet: {
        nodes: () => [{ ...sidecar, node: { ...sidecar.node, ...(hasWasm === undefined ? {} : { hasWasm }) } }],
      },
      stats: new NodeStats(),
    }).sidecars.find(({ node }) => node === "web-1");
  assert.equal(report(false)?.wasm, false);
  assert.equal(report(true)?.wasm, true);
  assert.equal(report()?.wasm, undefined);
});

describe("HTTP server", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-api-"));
  let server: Server;
  let source: ApiSource & { release: Release | undefined };
  before(async () => {
    source = {
      release: undefined,
      appliedAt: undefined,
      refused: [],
      fleet: new Fleet(),
      stats: new NodeStats(),
      modules: new ModuleStore(folder),
      leases: { top: () => [] },
      snapshotFor: () => undefined,
      metrics: { contentType: "text/plain", text: () => Promise.resolve("m 1\n") },
      access: new InsecureAccess([]),
    };
    server = createServer((request, response) => handleRequest(source, request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  /** Sends bytes as they are; gives the status of the answer. */
  const raw = (text: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1", () => socket.end(text, "latin1"));
      let answer = "";
      socket.setEncoding("latin1").on("data", (data: string) => (answer += data));
      socket.on("error", reject);
      socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)));
    });
  const ask = (path: string, method = "GET", headers = "Host: localhost"): Promise<number> =>
    raw(`${method} ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);

  test("it is alive before it is ready", async () => {
    assert.equal(await ask("/healthz"), 200);
    assert.equal(await ask("/readyz"), 503);
    source.release = release;
    assert.equal(await ask("/readyz"), 200);
    assert.equal(await ask("/api/v1/status"), 200);
    assert.equal(await ask("/api/v1/quotas"), 200);
    assert.equal(await ask("/api/v1/experiments"), 200);
    assert.equal(await ask("/api/v1/limits"), 200);
  });

  const pages: [what: string, headers: string, status: number][] = [
    [
      "the control plane's own page",
      "Host: 127.0.0.1:18001\r\nOrigin: http://127.0.0.1:18001\r\nSec-Fetch-Site: same-origin",
      200,
    ],
    ["IPv6", "Host: [::1]:18001", 200],
    ["a page of another origin", "Host: 127.0.0.1:18001\r\nOrigin: http://evil.example", 401],
    ["a page on another port", "Host: 127.0.0.1:18001\r\nOrigin: http://127.0.0.1:3000", 401],
    ["a page without an origin", "Host: 127.0.0.1:18001\r\nOrigin: null", 401],
    ["an image of another page", "Host: 127.0.0.1:18001\r\nSec-Fetch-Site: cross-site", 401],
    ["a name that was made to resolve to this machine", "Host: evil.example:18001", 401],
  ];
  for (const [what, headers, status] of pages) {
    test(`without encryption, ${what}: ${String(status)}`, async () =>
      assert.equal(await ask("/api/v1/status", "GET", headers), status));
  }

  const others: [path: string, method: string, status: number][] = [
    ["/", "GET", 404],
    ["/constructor", "GET", 404],
    ["//", "GET", 404],
    ["http://[", "GET", 404],
    ["*", "OPTIONS", 404],
    ["/api/v1/status", "POST", 405],
    ["/healthz?x=1", "HEAD", 200],
    ["/modules/%ff.wasm", "GET", 404],
  ];
  for (const [path, method, status] of others) {
    test(`${method} ${path}: ${String(status)}`, async () => assert.equal(await ask(path, method), status));
  }

  test("no path brings it down", async () => {
    const path = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(path, async (text) => assert.ok([200, 400, 404, 503].includes(await ask(text)))),
      { numRuns: 200 },
    );
    assert.equal(await ask("/healthz"), 200);
  });
});
