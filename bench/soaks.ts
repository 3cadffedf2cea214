// What `soak` runs: the filters of this repository, bodies, and callouts by HTTP and gRPC.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { startQuotaService } from "../examples/grpc-callout/service.mjs";
import { root } from "../setup/paths.mjs";
import { exampleModule } from "../test/support/examples.ts";
import { get } from "../test/support/http.ts";
import { freePorts } from "../test/support/ports.ts";
import { answer, clusterOf, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { configuration, hostileUris } from "./hostile-tokens.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { variants } from "./variants.ts";

/** A busy machine is no reason for a callout to fail. */
const timeoutMilliseconds = 60_000;

/** A variant, and what must run beside it. */
export interface Soak {
  readonly name: string;
  /** What the filter calls or what serves the body; none when left out. */
  readonly upstream?: () => Promise<Upstream>;
  /** @param upstream The port of `upstream`. */
  readonly variant: (upstream: number) => Promise<Variant>;
  /** Makes the URIs of a number of requests, no two alike; one for all when left out. */
  readonly uris?: (port: number, count: number) => string;
  /** What every answer is to be; `2xx` when left out. */
  readonly status?: "2xx" | "4xx";
}

export const soaks: readonly Soak[] = [
  ...["authz: API key", "authz: RS256, cached", "ratelimit: by a header", "ab-routing: one experiment"].map(own),
  hostileTokens(),
  distinctKeys("envoy"),
  distinctKeys("worker"),
  body("streaming"),
  body("full"),
  httpCallout(),
  grpcCallout(),
];

function own(name: string): Soak {
  const found = variants().find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`there is no variant ${name}`);
  return { name, variant: () => Promise.resolve(found) };
}

/** No two requests with one token, most of them bad. */
function hostileTokens(): Soak {
  const name = "authz: distinct hostile tokens";
  const filters = [wasmFilter("authz", join(root, "build", "authz.wasm"), configuration)];
  const variant = (): Promise<Variant> => Promise.resolve({ name, filters, path: "/healthz", headers: {} });
  return { name, uris: hostileUris, status: "4xx", variant };
}

/** No two requests with one key: far more keys than a limit has slots. */
function distinctKeys(scope: "envoy" | "worker"): Soak {
  const name = `ratelimit: distinct keys, scope ${scope}`;
  const tokenBucket = { maxTokens: 1_000_000, fillInterval: "1h" };
  const filters = [
    wasmFilter("ratelimit", join(root, "build", "ratelimit.wasm"), {
      limits: [{ name: "user", scope, tokenBucket, key: [{ query: "user" }] }],
    }),
  ];
  const variant = (): Promise<Variant> => Promise.resolve({ name, filters, path: "/?user=first", headers: {} });
  return { name, uris: keyUris, variant };
}

/** URIs for a load generator, each with a key of its own. */
function keyUris(port: number, count: number): string {
  const uri = (): string => `http://127.0.0.1:${String(port)}/?user=${randomBytes(12).toString("hex")}`;
  return Array.from({ length: count }, uri).join("\n");
}

/** 16 KiB with 256 places to rewrite, from a server. */
function body(mode: string): Soak {
  const page = `<p><a href="http://example.com/">http</a>`.padEnd(63, ".").concat("\n").repeat(256);
  const name = `body of 16 KiB, ${mode}`;
  return {
    name,
    upstream: () => startUpstream([withHeader(answer(page), "content-type", "text/html")]),
    variant: async (port) => ({
      name,
      filters: [
        wasmFilter("body-rewrite", await exampleModule("body-rewrite"), { mode, find: "http:", replace: "https:" }),
      ],
      routes: [{ match: { prefix: "/" }, route: { cluster: "page" } }],
      clusters: [clusterOf("page", port)],
      path: "/",
      headers: {},
      check: async (listener) => {
        assert.equal((await get(listener, "/")).body, page.replaceAll("http:", "https:"));
      },
    }),
  };
}

function httpCallout(): Soak {
  const name = "HTTP callout";
  const headers = { authorization: "Bearer sesame" };
  return {
    name,
    upstream: () => startUpstream([withHeader(answer(""), "x-user", "ada")]),
    variant: async (port) => ({
      name,
      filters: [
        wasmFilter("auth-callout", await exampleModule("auth-callout"), { cluster: "auth", timeoutMilliseconds }),
      ],
      routes: [withHeader(answer("ok"), "x-caller", "%REQ(x-user)%")],
      clusters: [clusterOf("auth", port)],
      path: "/",
      headers,
      check: async (listener) => {
        assert.equal((await get(listener, "/", { headers })).headers["x-caller"], "ada");
      },
    }),
  };
}

function grpcCallout(): Soak {
  const name = "gRPC callout";
  const headers = { "x-user": "ada" };
  return {
    name,
    upstream: startQuota,
    variant: async (port) => ({
      name,
      filters: [
        wasmFilter("grpc-callout", await exampleModule("grpc-callout"), { cluster: "quota", timeoutMilliseconds }),
      ],
      routes: [withHeader(answer("ok"), "x-left", "%REQ(x-quota-left)%")],
      clusters: [http2(clusterOf("quota", port))],
      path: "/",
      headers,
      check: async (listener) => {
        assert.equal((await get(listener, "/", { headers })).headers["x-left"], "0");
      },
    }),
  };
}

async function startQuota(): Promise<Upstream> {
  const [port = 0] = await freePorts(1);
  // Without a limit, it says that 0 are left.
  const server = startQuotaService(port, Infinity);
  await once(server, "listening");
  return {
    port,
    stop: () => {
      server.close();
      return Promise.resolve();
    },
  };
}

function withHeader(route: Json, key: string, value: string): Json {
  const header = { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
  return { ...(route as { [key: string]: Json }), response_headers_to_add: [header] };
}

function http2(cluster: Json): Json {
  const type = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    ...(cluster as { [key: string]: Json }),
    typed_extension_protocol_options: {
      [type]: {
        "@type": `type.googleapis.com/${type}`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}
