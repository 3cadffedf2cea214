// Envoy's filter ratelimit with rules of envoyproxy/ratelimit, as the examples of both have them, and what they come to. Each result is
// good by the filter's schema, and the filter takes it. Decisions are compared with a small model of the service.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { Envoys, schemaOf, statusOf } from "../../filters/testing/filter.ts";
import { formatFinding, importPolicies, type RateLimitConfiguration, type RateLimitScope } from "./index.ts";
import { options } from "./testing.ts";

const type = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit";
const envoys = new Envoys("ratelimit");

interface Result {
  readonly configuration: RateLimitConfiguration | undefined;
  readonly quotas: readonly object[];
  readonly findings: readonly string[];
}

async function importAll(scope: RateLimitScope, ...texts: string[]): Promise<Result> {
  const files = texts.map((text, i) => ({ path: `${"abc"[i] ?? "x"}.yaml`, text }));
  const { imported, findings } = importPolicies(files, { ...options, scope });
  const [one] = imported;
  const lines = findings.map(formatFinding);
  if (one === undefined) return { configuration: undefined, quotas: [], findings: lines };
  assert.equal(one.filter, "ratelimit");
  const isValid = await schemaOf("ratelimit");
  assert.ok(isValid(one.configuration), JSON.stringify(isValid.errors));
  // Starts the filter with it, which fails where the filter refuses it.
  await (await envoys.start()).worker(one.configuration);
  return { configuration: one.configuration, quotas: one.quotas, findings: lines };
}

/** A connection manager with the filter and routes, each with its `rate_limits` in YAML. */
function envoy(fields: string, routes: Readonly<Record<string, string>>): string {
  const list = Object.entries(routes).map(
    ([name, limits]) =>
      `    - { name: ${name}, match: { prefix: /${name} }, route: { cluster: mock, rate_limits: [${limits}] } }`,
  );
  return `http_filters:
- name: limits
  typed_config:
    "@type": ${type}
    domain: rl
    rate_limit_service: { transport_api_version: V3, grpc_service: { envoy_grpc: { cluster_name: ratelimit } } }
    ${fields}
route_config:
  virtual_hosts:
  - name: backend
    domains: ["*"]
    routes:
${list.join("\n")}
`;
}

const header = (name: string, key = name): string =>
  `{ request_headers: { header_name: "${name}", descriptor_key: ${key} } }`;
const actions = (...list: string[]): string => `{ actions: [${list.join(", ")}] }`;
const one = (limits: string): Readonly<Record<string, string>> => ({ all: limits });

void test("the service stays: its filter's fields and the actions of routes", async () => {
  const text = envoy(
    `request_type: external
    timeout: 0.25s
    failure_mode_deny: true
    status_on_error: { code: 503 }
    rate_limited_as_resource_exhausted: true
    enable_x_ratelimit_headers: DRAFT_VERSION_03`,
    {
      test: actions("{ source_cluster: {} }", "{ destination_cluster: {} }"),
      twoheader: actions("{ generic_key: { descriptor_value: two } }", header("foo")),
    },
  );
  const match = (name: string): object => ({ values: [{ value: { routeName: {} }, exact: name }] });
  const except = [{ headers: [{ name: "x-envoy-internal", exact: "true" }] }];
  assert.deepEqual(await importAll("service", text), {
    configuration: {
      service: { cluster: "ratelimit", domain: "rl", timeoutMilliseconds: 250, onFailure: "deny", errorStatus: 503 },
      limits: [
        {
          name: "source_cluster-destination_cluster",
          scope: "service",
          key: [{ property: ["node", "cluster"] }, { clusterName: {} }],
          names: ["source_cluster", "destination_cluster"],
          missingKey: "skip",
          match: match("test"),
          except,
        },
        {
          name: "two-foo",
          scope: "service",
          key: [{ constant: "two" }, { header: "foo" }],
          names: ["generic_key", "foo"],
          missingKey: "skip",
          match: match("twoheader"),
          except,
        },
      ],
      headers: "x-ratelimit",
      response: { status: 429, body: "", grpcStatus: "RESOURCE_EXHAUSTED" },
    },
    quotas: [],
    findings: [],
  });
});

const rules = `domain: rl
descriptors:
- key: message_type
  value: marketing
  descriptors: [{ key: to_number, rate_limit: { unit: day, requests_per_unit: 5 } }]
- { key: to_number, rate_limit: { unit: day, requests_per_unit: 100 } }
`;
const messages = envoy(
  "",
  one([actions(header("message_type"), header("to_number")), actions(header("to_number"))].join(", ")),
);

void test("each Envoy counts for itself", async () => {
  const { configuration, findings } = await importAll("envoy", messages, rules);
  assert.deepEqual(configuration?.limits, [
    {
      name: "marketing-to_number",
      fixedWindow: { requests: 5, window: "day" },
      key: [{ header: "to_number" }],
      missingKey: "skip",
      match: { values: [{ value: { header: "message_type" }, exact: "marketing" }] },
    },
    {
      name: "to_number",
      fixedWindow: { requests: 100, window: "day" },
      key: [{ header: "to_number" }],
      missingKey: "skip",
    },
  ]);
  assert.deepEqual(configuration.response.headers, [{ name: "x-envoy-ratelimited", value: "true" }]);
  assert.match(findings.join("\n"), /^a\.yaml:4:5: note: .*each Envoy counts for itself now/);
});

void test("the fleet counts, with quotas for the control plane", async () => {
  const { configuration, quotas, findings } = await importAll("fleet", messages, rules);
  assert.deepEqual(findings, []);
  assert.deepEqual(configuration?.limits[0], {
    name: "marketing-to_number",
    scope: "fleet",
    fixedWindow: { requests: 5, window: "day" },
    leases: { domain: "rl", names: ["to_number"] },
    key: [{ header: "to_number" }],
    missingKey: "skip",
    match: { values: [{ value: { header: "message_type" }, exact: "marketing" }] },
  });
  assert.deepEqual(quotas[0], {
    apiVersion: "meshwright.dev/v1alpha1",
    kind: "Quota",
    metadata: { name: "rl-marketing-to-number" },
    spec: {
      domain: "rl",
      bucket: { limit: "marketing-to_number", to_number: "*" },
      requests: 5,
      period: "24h",
      onLoss: { policy: "Allow" },
    },
  });
  assert.equal(quotas.length, 2);
  const denying = await importAll(
    "fleet",
    messages.replace("domain: rl", "domain: rl\n    failure_mode_deny: true"),
    rules,
  );
  assert.match(denying.findings.join("\n"), /^a\.yaml:4:5: note: .*each sidecar has a tenth of a quota/);
  assert.ok(!JSON.stringify(denying.quotas).includes("onLoss"));
});

/** Rules whose decisions are compared: each level of matching, and each way in which values are counted. */
const many = `domain: rl
descriptors:
- key: a
  value: v1
  descriptors:
  - { key: b, rate_limit: { unit: second, requests_per_unit: 2 } }
  - { key: b, value: s1, rate_limit: { unit: second, requests_per_unit: 3 } }
  - { key: b, value: free, rate_limit: { unlimited: true } }
- key: a
  descriptors: [{ key: b, value: s2, rate_limit: { unit: hour, requests_per_unit: 1 } }]
- { key: open, rate_limit: { unit: minute, requests_per_unit: 2 } }
- { key: open, value: special, rate_limit: { unit: minute, requests_per_unit: 3 } }
- { key: open, value: listed }
- { key: open, value: banned, rate_limit: { unit: minute, requests_per_unit: 0 } }
- { key: open, value: seen, rate_limit: { unit: minute, requests_per_unit: 1 }, shadow_mode: true }
- { key: deep, rate_limit: { unit: day, requests_per_unit: 1 }, descriptors: [{ key: er, rate_limit: { unit: day, requests_per_unit: 2 } }] }
- { key: wild, value: fo*, rate_limit: { unit: minute, requests_per_unit: 1 } }
- { key: wild, value: foo*, rate_limit: { unit: minute, requests_per_unit: 9 } }
- { key: wild, value: food, rate_limit: { unit: minute, requests_per_unit: 3 } }
- { key: wild, value: "/api/*/x/*.y", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 2 } }
- { key: all, value: "*", share_threshold: true, descriptors: [{ key: all, value: t*, rate_limit: { unit: week, requests_per_unit: 2 } }] }
`;

interface Rule {
  readonly key: string;
  readonly value?: string;
  readonly rate_limit?: { readonly requests_per_unit?: number; readonly unlimited?: boolean };
  readonly shadow_mode?: boolean;
  readonly share_threshold?: boolean;
  readonly descriptors?: readonly Rule[];
}

/** The service within one window of time: its lookup by level, and a counter for each descriptor. */
class ServiceModel {
  readonly #rules: readonly Rule[];
  readonly #counts = new Map<string, number>();
  constructor(text: string) {
    this.#rules = (parse(text) as { descriptors: Rule[] }).descriptors;
  }

  passes(entries: readonly (readonly [key: string, value: string])[]): boolean {
    let level = this.#rules;
    let found: Rule | undefined;
    const id: string[] = [];
    for (const [key, value] of entries) {
      const mine = level.filter((rule) => rule.key === key);
      found =
        mine.find((rule) => rule.value === value) ??
        mine.find((rule) => rule.value?.includes("*") && like(rule.value, value)) ??
        mine.find((rule) => rule.value === undefined);
      if (found === undefined) return true;
      id.push(key, found.share_threshold === true ? (found.value ?? "") : value);
      level = found.descriptors ?? [];
    }
    const limit = found?.rate_limit;
    if (limit === undefined || limit.unlimited === true) return true;
    const count = (this.#counts.get(id.join("\n")) ?? 0) + 1;
    this.#counts.set(id.join("\n"), count);
    return count <= (limit.requests_per_unit ?? 0) || found?.shadow_mode === true;
  }
}

function like(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [i, part] of rest.entries()) {
    const place = i === rest.length - 1 ? Math.max(text.length - part.length, at) : text.indexOf(part, at);
    if (place < 0 || !text.startsWith(part, place)) return false;
    at = place + part.length;
  }
  return true;
}

/** Descriptors by their keys, each made of headers of its own, and values to try for each key. */
const shapes: readonly (readonly [keys: readonly string[], values: readonly (readonly string[])[]])[] = [
  [["a"], [["v1", "v2"]]],
  [
    ["a", "b"],
    [
      ["v1", "v2"],
      ["s1", "s2", "free", "other"],
    ],
  ],
  [
    ["a", "b", "c"],
    [["v1"], ["s1"], ["x"]],
  ],
  [["open"], [["special", "listed", "banned", "seen", "x", "y", "special2"]]],
  [["deep"], [["x"]]],
  [
    ["deep", "er"],
    [["x", "y"], ["z"]],
  ],
  [
    ["wild"],
    [["fo", "foo", "foot", "food", "f", "bar", "/api/1/x/2.y", "/api//x/3/x/.y", "/api/x/.y", "/api/1/x/2.z"]],
  ],
  [
    ["all", "all"],
    [
      ["p", "q"],
      ["t", "t1", "u"],
    ],
  ],
];

void test("the filter decides as the service does", async () => {
  const nameOf = (shape: number, entry: number): string => `x-${shape}-${entry}`;
  const lists = shapes.map(([keys], i) => actions(...keys.map((key, k) => header(nameOf(i, k), key))));
  const { configuration, findings } = await importAll("envoy", envoy("", one(lists.join(", "))), many);
  assert.deepEqual(
    findings.filter((line) => !/: note: .*(each Envoy counts|0 requests)/.test(line)),
    [],
  );
  const worker = await (await envoys.start()).worker(configuration ?? {});
  const model = new ServiceModel(many);
  for (const [i, [keys, values]] of shapes.entries()) {
    const product = values.reduce<string[][]>((all, some) => all.flatMap((row) => some.map((v) => [...row, v])), [[]]);
    for (const row of [...product, ...product, ...product, ...product]) {
      const headers = row.map((value, k): [string, string] => [nameOf(i, k), value]);
      const expected = model.passes(row.map((value, k) => [keys[k] ?? "", value]));
      assert.equal(statusOf(worker.send({ headers })), expected ? 200 : 429, `${keys.join()} ${row.join()}`);
    }
  }
});

void test("a limit that another replaces does not count beside it", async () => {
  const replacing = `domain: rl
descriptors:
- key: key_1
  value: value_1
  descriptors: [{ key: user, value: bk, rate_limit: { name: specific, unit: minute, requests_per_unit: 1 } }]
- key: key_2
  descriptors: [{ key: user, value: bk, rate_limit: { replaces: [{ name: specific }], unit: minute, requests_per_unit: 2 } }]
`;
  const lists = [actions(header("k1", "key_1"), header("user")), actions(header("k2", "key_2"), header("user"))];
  const { configuration } = await importAll("envoy", envoy("request_type: external", one(lists.join(", "))), replacing);
  const worker = await (await envoys.start()).worker(configuration ?? {});
  const ask = (headers: [string, string][]): number => statusOf(worker.send({ headers: [...headers, ["user", "bk"]] }));
  const [first, second]: [string, string][] = [
    ["k1", "value_1"],
    ["k2", "value_2"],
  ] as [[string, string], [string, string]];
  const asked = [[first, second], [first], [first], [first, second], [second]];
  assert.deepEqual(asked.map(ask), [200, 200, 429, 200, 429]);
});

const limited = one(actions(header("foo")));
const foo = "domain: rl\ndescriptors: [{ key: foo, rate_limit: { unit: minute, requests_per_unit: 1 } }]";
const says: readonly (readonly [what: string, scope: RateLimitScope, texts: readonly string[], finding: RegExp])[] = [
  [
    "no rules for the domain",
    "envoy",
    [envoy("", limited)],
    /error: domain.*|error: .*expected a file of the rate limit/,
  ],
  [
    "a descriptor that nothing makes",
    "envoy",
    [messages, `${rules}- { key: x, rate_limit: { unit: day, requests_per_unit: 1 } }`],
    /^b\.yaml:7:3: note: descriptors\[2\]: no rate_limits/m,
  ],
  [
    "the service's file with the service",
    "service",
    [envoy("", limited), foo],
    /^b\.yaml:1:1: note: the service stays/m,
  ],
  ["a year", "envoy", [envoy("", limited), foo.replace("minute", "year")], /b\.yaml:2:.*: loss: .*a year is longer/],
  [
    "quota_mode",
    "envoy",
    [envoy("", limited), foo.replace("key: foo", "key: foo, quota_mode: true")],
    /: loss: .*quota_mode: this limit refuses by itself/,
  ],
  [
    "detailed_metric",
    "envoy",
    [envoy("", limited), foo.replace("key: foo", "key: foo, detailed_metric: true")],
    /: note: .*detailed_metric/,
  ],
  [
    "more requests than a window takes",
    "envoy",
    [envoy("", limited), foo.replace("unit: 1 ", "unit: 2000000 ")],
    /: loss: .*requests_per_unit: at most 1000000/,
  ],
  [
    "a charge at the end of a stream",
    "service",
    [envoy("", one(`{ apply_on_stream_done: true, actions: [${header("a")}] }`))],
    /: loss: .*apply_on_stream_done: .*left out/,
  ],
  [
    "a limit from metadata",
    "service",
    [envoy("", one(`{ limit: { dynamic_metadata: {} }, actions: [${header("a")}] }`))],
    /: loss: .*limit has no equal/,
  ],
  [
    "a share of failures",
    "service",
    [envoy("failure_mode_deny_percent: { default_value: { numerator: 50 } }", limited)],
    /: loss: .*failure_mode_deny_percent: a share/,
  ],
  [
    "a filter that only watches",
    "service",
    [envoy("filter_enforced: { default_value: { numerator: 0 } }", limited)],
    /: loss: .*filter_enforced: the filter refuses what/,
  ],
  [
    "a service without a cluster",
    "service",
    [envoy("", limited).replace("envoy_grpc", "google_grpc")],
    /: error: .*envoy_grpc\.cluster_name/,
  ],
  ["a misspelled field", "service", [envoy("domains: x", limited)], /: error: .*unknown field/],
  // As the service's own tests of bad files have them.
  ["an empty domain", "envoy", [foo.replace("rl", '""')], /: error: expected a domain that is not empty/],
  [
    "a domain that is there twice",
    "envoy",
    [foo, foo],
    /^b\.yaml:1:\d+: error: domain: the domain "rl" is there before/m,
  ],
  ["an empty key", "envoy", [foo.replace("key: foo", 'key: ""')], /: error: .*expected a key that is not empty/],
  [
    "a key that is there twice",
    "envoy",
    [`${rules}- { key: to_number }`],
    /: error: descriptors\[2\]: the key "to_number" is there before/,
  ],
  ["a bad unit", "envoy", [foo.replace("minute", "foo")], /: error: .*unit: expected second, minute/],
  [
    "unlimited with a unit",
    "envoy",
    [foo.replace("requests_per_unit: 1", "unlimited: true")],
    /: error: .*expected no unit/,
  ],
  ["a misspelled key", "envoy", [foo.replace("rate_limit", "ratelimit")], /: error: .*ratelimit: unknown field/],
  [
    "a limit that replaces itself",
    "envoy",
    [foo.replace("unit:", "name: a, replaces: [{ name: a }], unit:")],
    /: error: .*cannot replace itself/,
  ],
  [
    "a limit that replaces nothing",
    "envoy",
    [foo.replace("unit:", "replaces: [{ name: '' }], unit:")],
    /: error: .*a name that is not empty/,
  ],
  [
    "share_threshold without a wildcard",
    "envoy",
    [foo.replace("key: foo", "key: foo, share_threshold: true")],
    /: error: .*share_threshold is for/,
  ],
];

for (const [what, scope, texts, finding] of says) {
  void test(`says so: ${what}`, async () => {
    assert.match((await importAll(scope, ...texts)).findings.join("\n"), finding);
  });
}
