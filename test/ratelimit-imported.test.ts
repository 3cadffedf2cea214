// Limits of envoyproxy/ratelimit, imported with `--scope fleet`: its rules hold over two Envoys with the control plane's leases.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

/** As in the examples of envoyproxy/ratelimit's README: by number, fewer for what is marketing, and none for some. */
const rules = `
domain: rl
descriptors:
  - key: message_type
    value: marketing
    descriptors:
      - key: to_number
        rate_limit: { unit: day, requests_per_unit: 5 }
      - key: to_number
        value: "2061111111"
        rate_limit: { unlimited: true }
  - key: to_number
    rate_limit: { unit: day, requests_per_unit: 12 }
  - key: database
    value: default
    rate_limit: { unit: day, requests_per_unit: 0 }
  - key: path
    value: /files/*
    share_threshold: true
    rate_limit: { unit: day, requests_per_unit: 8 }
  - key: seen
    shadow_mode: true
    rate_limit: { unit: day, requests_per_unit: 1 }
`;

const action = (...names: string[]): string =>
  `{ actions: [${names.map((name) => `{ request_headers: { header_name: x-${name.replace("_", "-")}, descriptor_key: ${name} } }`).join(", ")}] }`;

const envoyConfiguration = `
http_filters:
  - name: envoy.filters.http.ratelimit
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
      domain: rl
      rate_limit_service: { transport_api_version: V3, grpc_service: { envoy_grpc: { cluster_name: ratelimit } } }
route_config:
  virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
        - match: { prefix: / }
          route:
            cluster: web
            rate_limits:
              - ${action("message_type", "to_number")}
              - ${action("to_number")}
              - ${action("database")}
              - ${action("path")}
              - ${action("seen")}
`;

describe("the rules of a rate limit service, over the fleet", () => {
  let mesh: Mesh;
  const apps: Awaited<ReturnType<typeof startApp>>[] = [];
  let ports: number[] = [];

  before(async () => {
    await buildFilters(["ratelimit"]);
    for (let i = 0; i < 2; ++i) apps.push(await startApp("web"));
    mesh = await Mesh.create();
    const imported = join(mesh.folder, "imported");
    mkdirSync(imported);
    const [envoyFile, rulesFile] = [join(mesh.folder, "envoy.yaml"), join(mesh.folder, "rules.yaml")];
    writeFileSync(envoyFile, envoyConfiguration);
    writeFileSync(rulesFile, rules);
    await mesh.meshwright("import", [envoyFile, rulesFile, "--scope", "fleet", "--out", imported]);

    ports = await freePorts(2);
    const endpoints = ports.map((port, i) => ({
      address: "127.0.0.1",
      port: apps[i]?.port ?? 0,
      sidecar: { node: `web-${String(i)}`, address: "127.0.0.1", inboundPort: port },
    }));
    const resource = (kind: string, name: string, spec: object): string =>
      JSON.stringify({ apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name }, spec });
    mesh.write("ratelimit.wasm", readFileSync(join(root, "build", "ratelimit.wasm")));
    mesh.write("quotas.yaml", readFileSync(join(imported, "ratelimit-quotas.yaml")));
    const resources = [
      resource("Service", "web", { port: 80, endpoints }),
      resource("WasmModule", "ratelimit", { file: "ratelimit.wasm" }),
      resource("FilterPolicy", "web-limits", {
        targetRefs: [{ kind: "Service", name: "web" }],
        module: "ratelimit",
        configuration: JSON.parse(readFileSync(join(imported, "ratelimit.json"), "utf8")) as object,
      }),
    ];
    mesh.write("mesh.yaml", resources.join("\n---\n"));
    await mesh.startControlPlane();
    for (const i of [0, 1]) await mesh.startSidecar(`web-${String(i)}`, "web");
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    for (const app of apps) await app.stop();
  });

  /**
   * Of requests to either sidecar in turn, how many pass until none has for a while. Each sidecar is asked by one connection, so
   * one of its workers has the lease, for which the first request waits. A "%" in a value is another number each time.
   */
  async function passed(headers: Record<string, string>, atMost: number): Promise<number> {
    const agents = ports.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    let sum = 0;
    for (let refused = 0, i = 0; refused < 12 && sum <= atMost; ++i) {
      const agent = agents[i % 2];
      const sent = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, value.replace("%", String(i))]),
      );
      const { status } = await get(ports[i % 2] ?? 0, "/", { headers: sent, ...(agent && { agent }) });
      if (status === 200) ++sum;
      refused = status === 200 ? 0 : refused + 1;
      if (status !== 200 || i < 2) await sleep(i < 2 ? 700 : 100);
    }
    for (const agent of agents) agent.destroy();
    return sum;
  }

  const cases: [what: string, headers: Record<string, string>, passes: number][] = [
    ["of marketing to a number", { "x-message-type": "marketing", "x-to-number": "1" }, 5],
    ["of anything else to a number", { "x-message-type": "other", "x-to-number": "3" }, 12],
    ["to a number without a limit for marketing", { "x-message-type": "marketing", "x-to-number": "2061111111" }, 12],
    ["of what has a limit of 0", { "x-database": "default" }, 0],
    ["of files, which count together", { "x-path": "/files/%" }, 8],
  ];
  for (const [what, headers, passes] of cases) {
    test(`${String(passes)} pass ${what}`, async () => {
      const count = await passed(headers, 30);
      // One may lie with a sidecar that is not asked again.
      assert.ok(count <= passes && count >= passes - 1, String(count));
    });
  }

  test("what has no rule, or one that only counts, passes", async () => {
    assert.equal(await passed({ "x-database": "other" }, 20), 21);
    assert.equal(await passed({ "x-seen": "me" }, 20), 21);
  });
});
