// CPU and waiting that limits beyond one Envoy add to a request in a real Envoy. See README.md.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadModel } from "../controlplane/model/index.ts";
import { addQuotaService, LeaseService, MemoryLedger, Quotas } from "../controlplane/quota/index.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { get, startApp } from "../test/support/http.ts";
import { clusterOf, nativeFilter, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { quantile } from "./measure.ts";
import { grpcCluster, nativeRateLimit, RATE_LIMITS, SERVICE, serveDescriptors } from "./rate-limit-service.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, requests: { type: "string", default: "20000" } },
});

const quota = {
  apiVersion: "meshwright.dev/v1alpha1",
  kind: "Quota",
  metadata: { name: "bench" },
  spec: {
    domain: "bench",
    bucket: { limit: "bench", user: "*" },
    requests: 1_000_000_000,
    period: "1m",
    onLoss: { policy: "Allow" },
  },
};

async function serveLeases(): Promise<{ port: number; stop: () => void }> {
  const loaded = loadModel([{ path: "quota.json", text: JSON.stringify(quota) }]);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const quotas = new Quotas(loaded.model.quotas.values());
  const server = new Server();
  addQuotaService(server, new LeaseService({ ledger: new MemoryLedger(), quotas: () => quotas }));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

const base = {
  path: "/products/17",
  headers: { "x-user-id": "user-4711", "user-agent": "bench" },
  baseline: "none",
  // The first lease comes a little after the first request.
  check: () => sleep(500),
};
const tokenBucket = { maxTokens: 1_000_000, tokensPerFill: 1_000_000, fillInterval: "1s" };
const limit = { name: "bench", key: [{ header: "x-user-id" }] };
const ours = (configuration: { [key: string]: Json }): Json =>
  wasmFilter("ratelimit", join(root, "build", "ratelimit.wasm"), { headers: "none", ...configuration });

const leaseVariants = (port: number): Variant[] => [
  { name: "ratelimit: scope envoy", filters: [ours({ limits: [{ ...limit, tokenBucket }] })], ...base },
  {
    name: "ratelimit: scope fleet",
    filters: [
      ours({
        limits: [
          { ...limit, tokenBucket, scope: "fleet", leases: { cluster: "leases", domain: "bench", names: ["user"] } },
        ],
      }),
    ],
    clusters: [grpcCluster("leases", port)],
    ...base,
  },
  {
    name: "native: rate_limit_quota",
    filters: [
      nativeFilter("envoy.extensions.filters.http.rate_limit_quota.v3.RateLimitQuotaFilterConfig", {
        rlqs_server: { envoy_grpc: { cluster_name: "leases" } },
        domain: "bench",
        bucket_matchers: {
          on_no_match: {
            action: {
              name: "bucket",
              typed_config: {
                "@type":
                  "type.googleapis.com/envoy.extensions.filters.http.rate_limit_quota.v3.RateLimitQuotaBucketSettings",
                bucket_id_builder: {
                  bucket_id_builder: {
                    limit: { string_value: "bench" },
                    user: {
                      custom_value: {
                        name: "user",
                        typed_config: {
                          "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                          header_name: "x-user-id",
                        },
                      },
                    },
                  },
                },
                reporting_interval: "1s",
              },
            },
          },
        },
      }),
    ],
    clusters: [grpcCluster("leases", port)],
    ...base,
  },
];

/** Envoy's own filter has no limits for a route that answers by itself, so these have an upstream, and a baseline with one. */
const serviceVariants = (port: number, appPort: number): Variant[] => {
  const toApp = {
    routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
    ...base,
    baseline: "none, upstream",
  };
  const clusters = [grpcCluster("service", port), clusterOf("app", appPort)];
  return [
    { name: "none, upstream", filters: [], clusters, ...toApp, baseline: "" },
    {
      name: "ratelimit: scope service",
      filters: [
        ours({
          service: SERVICE,
          limits: [{ ...limit, scope: "service", names: ["user"] }],
        }),
      ],
      clusters,
      ...toApp,
    },
    {
      name: "native: ratelimit",
      filters: [nativeRateLimit],
      rateLimits: RATE_LIMITS,
      clusters,
      ...toApp,
    },
  ];
};

/** Times of so many requests, one after the other, in microseconds. */
async function waits({ port, variant }: Running, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; ++i) {
    const began = performance.now();
    await get(port, variant.path, { headers: variant.headers });
    times.push((performance.now() - began) * 1000);
  }
  return times;
}

const waited = new Map<Running, number[]>();
function print(all: readonly Running[]): void {
  printRow(["variant", "added us of CPU (median)", "quartiles", "added us of waiting (median)"]);
  printRow(["---", "---", "---", "---"]);
  const median = (running: Running): number => quantile(waited.get(running) ?? [], 0.5);
  for (const running of all) {
    const baseline = all.find(({ variant }) => variant.name === running.variant.baseline);
    if (baseline === undefined) continue;
    const added = (median(running) - median(baseline)).toFixed(0);
    printRow([running.variant.name, ...addedCells(addedCosts(running, all)), added]);
  }
}

await buildFilters(["ratelimit"]);
const leases = await serveLeases();
const service = await serveDescriptors();
const app = await startApp("app");
try {
  const none: Variant = { name: "none", filters: [], ...base, baseline: "" };
  const variants = [
    none,
    ...leaseVariants(leases.port),
    ...(service === undefined ? [] : serviceVariants(service.port, app.port)),
  ];
  await compare(variants, Number(flags.rounds), Number(flags.requests), print, async (all) => {
    for (let round = 0; round < 20; ++round) {
      for (const running of all) waited.set(running, [...(waited.get(running) ?? []), ...(await waits(running, 50))]);
    }
  });
} finally {
  leases.stop();
  await service?.stop();
  await app.stop();
}
