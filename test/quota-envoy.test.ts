// Envoy's own rate_limit_quota filter as a client of the control plane, counts in memory and in a real Redis.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { QuotaReport } from "../controlplane/api/index.ts";
import { Envoy } from "./support/envoy.ts";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
const typed = (type: string, value: object): object => ({ "@type": `type.googleapis.com/${type}`, ...value });
const cluster = (name: string, port: number, more: object = {}): object => ({
  name,
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
  ...more,
});
const header = (name: string): object => ({
  name,
  typed_config: typed("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", { header_name: name }),
});

const http2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      { explicit_http_config: { http2_protocol_options: {} } },
    ),
  },
};

/** Envoy with its own filter, which counts by the header x-client, and denies what has no lease. */
function configuration(port: number, adminPort: number, appPort: number, quotaPort: number): string {
  const settings = {
    bucket_id_builder: {
      bucket_id_builder: { limit: { string_value: "per-client" }, client: { custom_value: header("x-client") } },
    },
    reporting_interval: "0.2s",
    no_assignment_behavior: { fallback_rate_limit: { blanket_rule: "DENY_ALL" } },
    expired_assignment_behavior: { fallback_rate_limit: { blanket_rule: "DENY_ALL" } },
  };
  const filter = typed("envoy.extensions.filters.http.rate_limit_quota.v3.RateLimitQuotaFilterConfig", {
    rlqs_server: { envoy_grpc: { cluster_name: "quota" } },
    domain: "shop",
    bucket_matchers: {
      on_no_match: {
        action: {
          name: "bucket",
          typed_config: typed(
            "envoy.extensions.filters.http.rate_limit_quota.v3.RateLimitQuotaBucketSettings",
            settings,
          ),
        },
      },
    },
  });
  const manager = typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "in",
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }] }],
    },
    http_filters: [
      { name: "quota", typed_config: filter },
      { name: "router", typed_config: typed("envoy.extensions.filters.http.router.v3.Router", {}) },
    ],
  });
  return JSON.stringify({
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: [
        {
          name: "in",
          address: address(port),
          filter_chains: [{ filters: [{ name: "manager", typed_config: manager }] }],
        },
      ],
      clusters: [cluster("app", appPort), cluster("quota", quotaPort, http2)],
    },
  });
}

describe("Envoy's own rate_limit_quota filter", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  const envoys: { readonly envoy: Envoy; readonly port: number }[] = [];

  before(async () => {
    app = await startApp("app");
    // Its Envoys are configured by hand, without certificates.
    mesh = await Mesh.create({ isSecure: false });
    mesh.write(
      "quota.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Quota
metadata: { name: per-client }
spec:
  domain: shop
  bucket: { limit: per-client, client: "*" }
  requests: 20
  period: 1h
  lease: 2s
  onLoss: { policy: Allow }
`,
    );
    await mesh.startControlPlane();
    for (const name of ["a", "b"]) {
      const [port = 0, adminPort = 0] = await freePorts(2);
      const text = configuration(port, adminPort, app.port, mesh.xdsPort);
      envoys.push({ envoy: await Envoy.start(name, text, adminPort), port });
    }
  });
  after(async () => {
    for (const { envoy } of envoys) await envoy.stop();
    await mesh.stop();
    await app.stop();
  });

  test("two Envoys let pass together what the quota has, and hardly less", async () => {
    const passed = [0, 0];
    const end = Date.now() + 12_000;
    while (Date.now() < end && passed[0]! + passed[1]! < 20) {
      // The first has ten times the load of the second.
      for (let i = 0; i < 11; ++i) {
        const at = i === 10 ? 1 : 0;
        const { status } = await get(envoys[at]!.port, "/", { headers: { "x-client": "x" } });
        assert.ok(status === 200 || status === 429, String(status));
        if (status === 200) ++passed[at]!;
      }
      await sleep(100);
    }
    const total = passed[0]! + passed[1]!;
    assert.ok(total >= 15 && total <= 20, `${String(total)} of 20`);
    const { top } = JSON.parse(await mesh.api("/api/v1/quotas")) as QuotaReport;
    assert.equal(top.length, 1);
    assert.deepEqual(top[0]?.bucket, { limit: "per-client", client: "x" });
    assert.ok(top[0].denied > 0);
    const shown = await mesh.meshwright("quota", ["--http", `127.0.0.1:${String(mesh.httpPort)}`]);
    assert.match(
      shown,
      /^QUOTA +ALLOWED\/S +DENIED\/S +REMAINING +SIDECARS +DOMAIN +BUCKET\nper-client .* shop +client=x limit=per-client|limit=per-client client=x/,
    );
  });
});
