// Configurations as Envoy's documentation of local_ratelimit shows them, and what they come to. Each result is good by the
// filter's schema, and the filter takes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { filterModule, schemaOf } from "../../filters/testing/filter.ts";
import { formatFinding, importPolicies, type RateLimitConfiguration } from "./index.ts";
import { options } from "./testing.ts";

const type = '"@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const on = `filter_enabled: { default_value: { numerator: 100 } }
filter_enforced: { default_value: { numerator: 100 } }`;
const bucket = "{ max_tokens: 1000, tokens_per_fill: 1000, fill_interval: 60s }";
const thousand = { maxTokens: 1000, tokensPerFill: 1000, fillInterval: "60s" };
const byClient = `rate_limits:
- actions:
  - request_headers: { header_name: x-envoy-downstream-service-cluster, descriptor_key: client_cluster }
  - request_headers: { header_name: ":path", descriptor_key: path }`;

interface Result {
  readonly configuration: RateLimitConfiguration | undefined;
  readonly findings: readonly string[];
}

async function limits(text: string): Promise<Result> {
  const { imported, findings } = importPolicies([{ path: "p.yaml", text }], options);
  const [one] = imported;
  const lines = findings.map(formatFinding);
  if (one === undefined) return { configuration: undefined, findings: lines };
  assert.equal(one.filter, "ratelimit");
  const isValid = await schemaOf("ratelimit");
  assert.ok(isValid(one.configuration), JSON.stringify(isValid.errors));
  const host = await ProxyWasmHost.load(await filterModule("ratelimit"));
  try {
    const plugin = host.startPlugin({ configuration: JSON.stringify(one.configuration) });
    assert.ok(plugin.ok, plugin.log.map(({ message }) => message).join("\n"));
  } finally {
    host.close();
  }
  return { configuration: one.configuration, findings: lines };
}

const filter = (fields: string): string => `${type}\nstat_prefix: http_local\n${on}\n${fields}`;

void test("one bucket, with a header on what is refused", async () => {
  const result = await limits(
    filter(`token_bucket: { max_tokens: 10000, tokens_per_fill: 1000, fill_interval: 1s }
status: { code: ServiceUnavailable }
enable_x_ratelimit_headers: DRAFT_VERSION_03
rate_limited_as_resource_exhausted: true
response_headers_to_add:
- append_action: OVERWRITE_IF_EXISTS_OR_ADD
  header: { key: x-local-rate-limit, value: "true" }`),
  );
  assert.deepEqual(result, {
    configuration: {
      limits: [{ name: "http_local", tokenBucket: { maxTokens: 10_000, tokensPerFill: 1000, fillInterval: "1s" } }],
      headers: "x-ratelimit",
      response: {
        status: 503,
        body: "local_rate_limited",
        grpcStatus: "RESOURCE_EXHAUSTED",
        headers: [{ name: "x-local-rate-limit", value: "true" }],
      },
    },
    findings: [],
  });
});

void test("descriptors with values, and an open one that they are taken out of", async () => {
  const result = await limits(
    filter(`token_bucket: ${bucket}
descriptors:
- entries: [{ key: client_cluster, value: foo }, { key: path, value: /foo/bar }]
  token_bucket: { max_tokens: 10, tokens_per_fill: 10, fill_interval: 60s }
- entries: [{ key: client_cluster }, { key: path, value: /foo/bar }]
  token_bucket: { max_tokens: 100, tokens_per_fill: 100, fill_interval: 0.5s }
${byClient}`),
  );
  const client = { value: { header: "x-envoy-downstream-service-cluster" }, exact: "foo" };
  const path = { value: { header: ":path" }, exact: "/foo/bar" };
  assert.deepEqual(result.findings, []);
  assert.deepEqual(result.configuration?.limits, [
    { name: "http_local", tokenBucket: thousand },
    {
      name: "http_local-foo--foo-bar",
      tokenBucket: { maxTokens: 10, tokensPerFill: 10, fillInterval: "60s" },
      match: { values: [client, path] },
    },
    {
      name: "http_local-client_cluster--foo-bar",
      tokenBucket: { maxTokens: 100, tokensPerFill: 100, fillInterval: "500ms" },
      key: [{ header: "x-envoy-downstream-service-cluster" }],
      missingKey: "skip",
      match: { values: [path] },
      except: [{ values: [client, path] }],
    },
  ]);
});

void test("only requests without a descriptor use the default bucket", async () => {
  const result = await limits(
    filter(`token_bucket: ${bucket}
always_consume_default_token_bucket: false
descriptors: [{ entries: [{ key: generic_key, value: a }, { key: header_match, value: b }], token_bucket: ${bucket} }]
rate_limits:
- actions:
  - generic_key: { descriptor_value: a }
  - header_value_match: { descriptor_value: b, headers: [{ name: x-b, string_match: { prefix: b } }] }
  hits_addend: { number: 5 }`),
  );
  const match = { headers: [{ name: "x-b", prefix: "b" }] };
  assert.deepEqual(result.findings, []);
  assert.deepEqual(result.configuration?.limits, [
    { name: "http_local", tokenBucket: thousand, except: [match] },
    { name: "http_local-a-b", tokenBucket: thousand, match, cost: { hits: 5 } },
  ]);
});

/** An action, and what limits by it, with an open descriptor of its key, have beside name and rate. */
const actions: readonly (readonly [action: string, key: string, fields: object])[] = [
  ["remote_address: {}", "remote_address", { key: [{ clientAddress: {} }], missingKey: "skip" }],
  [
    "masked_remote_address: { v4_prefix_mask_len: 24, v6_prefix_mask_len: 64 }",
    "masked_remote_address",
    { key: [{ clientAddress: { ipv4Prefix: 24, ipv6Prefix: 64 } }], missingKey: "skip" },
  ],
  ["source_cluster: {}", "source_cluster", { key: [{ property: ["node", "cluster"] }], missingKey: "skip" }],
  ["destination_cluster: {}", "destination_cluster", { key: [{ clusterName: {} }], missingKey: "skip" }],
  [
    "query_parameters: { query_parameter_name: page, descriptor_key: p }",
    "p",
    { key: [{ query: "page" }], missingKey: "skip" },
  ],
  [
    "metadata: { descriptor_key: m, default_value: d, metadata_key: { key: ns, path: [{ key: a }, { key: b }] } }",
    "m",
    { key: [{ metadata: ["ns", "a", "b"], default: "d" }], missingKey: "skip" },
  ],
  [
    "metadata: { descriptor_key: m, source: ROUTE_ENTRY, metadata_key: { key: ns, path: [{ key: a }] } }",
    "m",
    { key: [{ routeMetadata: ["ns", "a"] }], missingKey: "skip" },
  ],
  [
    "header_value_match: { descriptor_value: v, expect_match: false, headers: [{ name: x, exact_match: a }] }",
    "header_match",
    { except: [{ headers: [{ name: "x", exact: "a" }] }] },
  ],
  [
    "header_value_match: { descriptor_value: v, headers: [{ name: x, exact_match: a, invert_match: true }] }",
    "header_match",
    { match: { headers: [{ name: "x", present: true }] }, except: [{ headers: [{ name: "x", exact: "a" }] }] },
  ],
  [
    "query_parameter_value_match: { descriptor_value: v, query_parameters: [{ name: q, string_match: { exact: a } }] }",
    "query_match",
    { match: { values: [{ value: { query: "q" }, exact: "a" }] } },
  ],
];

for (const [action, key, fields] of actions) {
  void test(`the action ${action}`, async () => {
    const { configuration, findings } = await limits(
      filter(`descriptors: [{ entries: [{ key: ${key} }], token_bucket: ${bucket} }]
rate_limits: [{ actions: [{ ${action} }] }]`),
    );
    assert.deepEqual(findings, []);
    assert.deepEqual(configuration?.limits, [{ name: `http_local-${key}`, tokenBucket: thousand, ...fields }]);
  });
}

void test("a value that may be skipped makes two descriptors", async () => {
  const { configuration, findings } = await limits(
    filter(`descriptors:
- { entries: [{ key: generic_key, value: a }, { key: h }], token_bucket: ${bucket} }
- { entries: [{ key: generic_key, value: a }], token_bucket: ${bucket} }
rate_limits:
- actions: [{ generic_key: { descriptor_value: a } }, { request_headers: { header_name: x-h, descriptor_key: h, skip_if_absent: true } }]`),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(configuration?.limits, [
    { name: "http_local-a-h", tokenBucket: thousand, key: [{ header: "x-h" }], missingKey: "skip" },
    {
      name: "http_local-a",
      tokenBucket: thousand,
      match: { values: [{ value: { header: "x-h" }, present: false }] },
    },
  ]);
});

const manager = (routes: string, config: string): string => `
http_filters:
- name: limiter
  typed_config: { ${type}, stat_prefix: p${config} }
route_config:
  virtual_hosts:
  - name: all
    domains: ["*"]
    routes:
${routes}`;

void test("a filter that only routes turn on", async () => {
  const { configuration, findings } = await limits(
    manager(
      `    - { name: a, match: { prefix: /a }, route: { cluster: c }, typed_per_filter_config: { limiter: { ${type}, stat_prefix: a, token_bucket: ${bucket}, filter_enabled: { default_value: { numerator: 100 } } } } }
    - { name: b, match: { prefix: / }, route: { cluster: c } }`,
      "",
    ),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(configuration?.limits, [
    {
      name: "a",
      tokenBucket: thousand,
      match: { values: [{ value: { routeName: {} }, exact: "a" }] },
      mode: "shadow",
    },
  ]);
});

void test("rate_limits of a route and of its virtual host", async () => {
  const { configuration, findings } = await limits(
    `${manager(
      `    - { name: a, match: { prefix: /a }, route: { cluster: c, rate_limits: [{ actions: [{ generic_key: { descriptor_value: a } }] }] } }
    - { name: b.x, match: { prefix: /b }, route: { cluster: c } }
    - { name: d, match: { prefix: / }, route: { cluster: c } }`,
      `, descriptors: [{ entries: [{ key: generic_key, value: a }], token_bucket: ${bucket} }, { entries: [{ key: generic_key, value: h }], token_bucket: ${bucket} }], filter_enabled: { default_value: { numerator: 100 } }, filter_enforced: { default_value: { numerator: 1000000, denominator: MILLION } }`,
    )}
    rate_limits: [{ actions: [{ generic_key: { descriptor_value: h } }] }, { stage: 1, actions: [{ remote_address: {} }] }]`,
  );
  assert.deepEqual(findings, []);
  const value = { routeName: {} };
  assert.deepEqual(configuration?.limits, [
    { name: "p-a", tokenBucket: thousand, match: { values: [{ value, exact: "a" }] } },
    { name: "p-h", tokenBucket: thousand, match: { values: [{ value, regex: "b\\.x|d" }] } },
  ]);
});

const per = `{ ${type}, stat_prefix: own, token_bucket: ${bucket}, ${on.replace("\n", ", ")} }`;
const global = `, token_bucket: ${bucket}, ${on.replace("\n", ", ")}`;
const disabled = `typed_per_filter_config: { limiter: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }`;

void test("a route that turns the filter off, and configurations under another filter's name", async () => {
  const { configuration, findings } = await limits(
    manager(
      `    - { name: free, match: { prefix: /free }, route: { cluster: c }, ${disabled} }
    - { name: a, match: { prefix: /a }, route: { cluster: c }, typed_per_filter_config: { another: ${per} } }
    - { name: b, match: { prefix: / }, redirect: { https_redirect: true } }`,
      global,
    ),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(configuration?.limits, [
    { name: "p", tokenBucket: thousand, match: { values: [{ value: { routeName: {} }, regex: "a|b" }] } },
  ]);
});

void test("a filter that is off but where a route turns it on", async () => {
  const wrapped = `{ "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {} }`;
  const text = manager(
    `    - { name: a, match: { prefix: /a }, route: { cluster: c }, typed_per_filter_config: { limiter: ${wrapped} } }
    - { name: b, match: { prefix: / }, route: { cluster: c } }`,
    global,
  ).replace("- name: limiter", "- name: limiter\n  disabled: true");
  const { configuration, findings } = await limits(text);
  assert.deepEqual(findings, []);
  assert.deepEqual(configuration?.limits, [
    { name: "p", tokenBucket: thousand, match: { values: [{ value: { routeName: {} }, exact: "a" }] } },
  ]);
});

void test("routes without names are known by their virtual host; equal rate_limits of routes make one limit", async () => {
  const action = "rate_limits: [{ actions: [{ remote_address: {} }] }]";
  const text = `${manager(
    `    - { match: { prefix: /a }, route: { cluster: c, ${action} } }
    - { match: { prefix: / }, route: { cluster: c, ${action} } }`,
    `, descriptors: [{ entries: [{ key: remote_address }], token_bucket: ${bucket} }], ${on.replace("\n", ", ")}`,
  )}
  - { name: other, domains: [o.example], routes: [{ match: { prefix: / }, route: { cluster: c } }] }`;
  const { configuration, findings } = await limits(text);
  assert.deepEqual(findings, []);
  const value = { property: ["xds", "virtual_host_name"] };
  assert.deepEqual(configuration?.limits, [
    {
      name: "p-remote_address",
      tokenBucket: thousand,
      key: [{ clientAddress: {} }],
      missingKey: "skip",
      match: { values: [{ value, exact: "all" }] },
    },
  ]);
});

void test("rate_limits of routes and virtual hosts: Envoy does not read their hits_addend, and charges for equal ones each time", async () => {
  const limit = (hits: number): string =>
    `{ actions: [{ generic_key: { descriptor_value: a } }], hits_addend: { number: ${String(hits)} } }`;
  const text = (ofFilter: string, ofRoute: string): string =>
    `${manager(
      `    - { name: a, match: { prefix: /a }, route: { cluster: c, include_vh_rate_limits: true${ofRoute} } }`,
      `, descriptors: [{ entries: [{ key: generic_key, value: a }], token_bucket: ${bucket} }], ${on.replace("\n", ", ")}${ofFilter}`,
    )}\n    rate_limits: [${limit(2)}]`;
  const costs = async (ofFilter: string, ofRoute: string): Promise<readonly object[]> => {
    const { configuration, findings } = await limits(text(ofFilter, ofRoute));
    assert.ok(!findings.some((line) => line.includes(": loss:")), findings.join("\n"));
    return (configuration?.limits ?? []).map(({ cost }) => cost ?? { hits: 1 });
  };
  assert.deepEqual(await costs("", ""), [{ hits: 1 }]);
  assert.deepEqual(await costs("", `, rate_limits: [${limit(2)}]`), [{ hits: 2 }]);
  assert.deepEqual(await costs(`, rate_limits: [${limit(3)}]`, `, rate_limits: [${limit(2)}]`), [{ hits: 3 }]);
  assert.deepEqual(await costs(`, rate_limits: [${limit(3)}, ${limit(3)}]`, ""), [{ hits: 6 }]);
  assert.match((await limits(text("", ""))).findings.join("\n"), /note: .*hits_addend.*of the filter alone/);
});

const findings: readonly (readonly [what: string, text: string, finding: RegExp])[] = [
  ["what is not enabled", `${type}\nstat_prefix: p\ntoken_bucket: ${bucket}`, /: note: .*Envoy limits nothing/],
  [
    "a share of the requests",
    `${type}\nstat_prefix: p\ntoken_bucket: ${bucket}\nfilter_enabled: { default_value: { numerator: 50 } }`,
    /: loss: filter_enabled: a share/,
  ],
  [
    "a bucket for each connection",
    filter(`token_bucket: ${bucket}\nlocal_rate_limit_per_downstream_connection: true`),
    /: loss: local_rate_limit_per_downstream_connection: a bucket for each/,
  ],
  [
    "a bucket for a cluster of Envoys",
    filter(`token_bucket: ${bucket}\nlocal_cluster_rate_limit: {}`),
    /: loss: local_cluster_rate_limit: .*`fleet`/,
  ],
  [
    "an action that has no equal",
    filter(`token_bucket: ${bucket}\nrate_limits: [{ actions: [{ extension: { name: a } }] }]`),
    /: loss: .*extension: .*no equal/,
  ],
  [
    "a weighted cluster's configuration",
    manager(
      `    - { match: { prefix: / }, route: { weighted_clusters: { clusters: [{ name: c, weight: 1, typed_per_filter_config: { limiter: ${per} } }] } } }`,
      global,
    ),
    /: loss: .*clusters\[0\]\.typed_per_filter_config\.limiter: what a weighted cluster says is not read/,
  ],
  [
    "routes that differ and have no names",
    manager(
      `    - { match: { prefix: /a }, route: { cluster: c }, typed_per_filter_config: { limiter: ${per} } }
    - { match: { prefix: / }, route: { cluster: c } }`,
      global,
    ),
    /: loss: .*routes\[0\]: limits differ between routes, and this one has no name/,
  ],
  ["a misspelled field", filter(`token_bucket: ${bucket}\nstages: 1`), /: error: stages: unknown field/],
  [
    "a bucket that never fills",
    filter("token_bucket: { max_tokens: 1, fill_interval: 0s }"),
    /: error: token_bucket.fill_interval: expected a time/,
  ],
  [
    "a descriptor that nothing makes",
    filter(`descriptors: [{ entries: [{ key: a }], token_bucket: ${bucket} }]`),
    /: note: descriptors\[0\]: no rate_limits/,
  ],
];

for (const [what, text, finding] of findings) {
  void test(`says so: ${what}`, async () => {
    assert.match((await limits(text)).findings.join("\n"), finding);
  });
}
