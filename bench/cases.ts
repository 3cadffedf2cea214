// What `bench:sdks` measures: one job a case, done by the filter of each SDK and by what Envoy itself has for it.
import assert from "node:assert/strict";
import type { Envoy } from "../test/support/envoy.ts";
import { get } from "../test/support/http.ts";
import { answer, clusterOf, nativeFilter, type Json, type Variant } from "./configuration.ts";

type Load = Pick<Variant, "path" | "headers" | "routes" | "clusters">;

/** A filter that comes with Envoy and does a case's job, or part of it. */
export interface Native {
  readonly name: string;
  readonly filter: Json;
  /** Whether `check` holds for it. */
  readonly checked: boolean;
}

export interface Case {
  /** Also the name of each SDK's source file and module, and the module's root id. */
  readonly name: string;
  readonly does: string;
  readonly load: Load;
  readonly natives: readonly Native[];
  readonly hasLua: boolean;
  /** Throws unless the filter does the job. Leaves the filter such that all further requests get a 200. */
  readonly check: (port: number, envoy: Envoy) => Promise<void>;
}

const base: Load = { path: "/products/17", headers: { "x-user-id": "user-4711", "user-agent": "bench" } };
/** 16 KiB whose last byte but one is to be changed. */
const page = `${"x".repeat(16382)}#\n`;

/** @param upstream Port of a server that answers callouts with 200. */
export function cases(upstream: number): Case[] {
  return [headers, scan, body, sharedData, metrics, callout(upstream)];
}

const set = (name: string): Json => ({
  append: { header: { key: name, value: "yes" }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
});

const headers: Case = {
  name: "headers",
  does: "reads 4 request headers, sets 1 request and 1 response header",
  load: base,
  natives: [
    {
      name: "header_mutation, sets only",
      filter: nativeFilter("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", {
        mutations: { request_mutations: [set("x-seen")], response_mutations: [set("x-seen")] },
      }),
      checked: true,
    },
  ],
  hasLua: true,
  check: async (port) => {
    assert.equal((await get(port, base.path, { headers: base.headers })).headers["x-seen"], "yes");
  },
};

const many = Object.fromEntries(
  Array.from({ length: 14 }, (_, index) => [`x-header-${String(index)}`, `the value of header ${String(index)}`]),
);

const scan: Case = {
  name: "scan",
  does: "visits all of about 20 request headers",
  load: { ...base, headers: { ...base.headers, ...many } },
  natives: [],
  hasLua: true,
  check: async (port) => {
    const withStop = { ...base.headers, ...many, "x-last": "stop" };
    assert.equal((await get(port, base.path, { headers: withStop })).status, 403);
  },
};

const body: Case = {
  name: "body",
  does: "changes a byte in a buffered response body of 16 KiB",
  load: { ...base, routes: [answer(page)] },
  natives: [],
  hasLua: true,
  check: async (port) => {
    const got = await get(port, base.path, { headers: base.headers });
    assert.equal(got.body, page.replace("#", "*"));
  },
};

const sharedData: Case = {
  name: "shared-data",
  does: "counts requests in shared data, by compare-and-set",
  load: base,
  natives: [
    {
      name: "local_ratelimit, one bucket",
      filter: nativeFilter("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", {
        stat_prefix: "bench",
        token_bucket: { max_tokens: 1_000_000_000, tokens_per_fill: 1, fill_interval: "1s" },
        filter_enabled: { default_value: { numerator: 100 } },
        filter_enforced: { default_value: { numerator: 100 } },
      }),
      checked: false,
    },
  ],
  hasLua: false,
  check: async (port) => {
    // The first request was that of the start; the filters answer the second with 429.
    assert.equal((await get(port, base.path, { headers: base.headers })).status, 429);
  },
};

const metrics: Case = {
  name: "metrics",
  does: "increments a counter and records in a histogram",
  load: base,
  natives: [],
  hasLua: false,
  check: async (_, envoy) => {
    assert.equal(await envoy.stat("wasmcustom.bench_requests"), 1);
    assert.match(await envoy.admin("/stats?filter=bench_sizes"), /wasmcustom\.bench_sizes/);
  },
};

function callout(upstream: number): Case {
  return {
    name: "callout",
    does: "holds the request until an HTTP callout answers",
    load: { ...base, clusters: [clusterOf("callout", upstream)] },
    natives: [
      {
        name: "ext_authz over HTTP",
        filter: nativeFilter("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", {
          http_service: {
            server_uri: { uri: "http://callout", cluster: "callout", timeout: "5s" },
            path_prefix: "/check",
          },
        }),
        checked: true,
      },
    ],
    hasLua: true,
    check: async (_, envoy) => {
      await envoy.until(async () => (await envoy.stat("cluster.callout.upstream_rq_200")) === 1);
    },
  };
}

/** The case without a filter: what each variant is compared with. */
export function baselineOf({ name, load }: Case): Variant {
  return { name: `${name}: none`, filters: [], ...load };
}
