import assert from "node:assert/strict";
import { test } from "node:test";
import type { Configuration } from "./index.ts";
import { imported } from "./testing.ts";

const everybody = { principals: [{ any: true }] };
const rest = { action: "allow", ...everybody };
const nobody = { action: "allow", principals: [{ not: { any: true } }] };

const rulesOf = (configuration: Configuration | undefined): object[] =>
  (configuration?.rules ?? []).map((rule) => JSON.parse(JSON.stringify({ ...rule, name: undefined })) as object);

/** The rules of an rbac filter with one policy; findings other than notes fail. */
function rules(permission: string, principal = "{ any: true }", action = "DENY", more = ""): object[] {
  const text = `rules:\n  action: ${action}\n  policies:\n    p: { permissions: [${permission}], principals: [${principal}]${more} }\n`;
  const { configurations, findings } = imported(text, { trustedHops: 0 });
  assert.deepEqual(
    findings.filter((finding) => !finding.includes(": note: ")),
    [],
  );
  return rulesOf(configurations["authz"]).slice(0, action === "DENY" ? -1 : undefined);
}

const header = (matcher: string): string => `{ header: ${matcher} }`;
const role = (test: object): object => ({ action: "deny", headers: [{ name: "x-role", ...test }] });

const permissions: readonly (readonly [permission: string, ...rules: object[]])[] = [
  ["{ any: true }", { action: "deny" }],
  ["{ any: false }"],
  [header("{ name: X-Role, exact_match: a }"), role({ exact: "a" })],
  [header("{ name: x-role, string_match: { prefix: a } }"), role({ prefix: "a" })],
  [header("{ name: x-role, stringMatch: { exact: aB, ignoreCase: true } }"), role({ regex: "[Aa][Bb]" })],
  [header("{ name: x-role, safe_regex_match: { regex: a+ } }"), role({ regex: "a+" })],
  [header("{ name: x-role, present_match: true }"), role({ present: true })],
  [header("{ name: x-role, present_match: false }"), role({ present: true, invert: true })],
  [header("{ name: x-role, present_match: true, invert_match: true }"), role({ present: true, invert: true })],
  [
    header("{ name: x-role, exact_match: a, invert_match: true }"),
    {
      action: "deny",
      headers: [
        { name: "x-role", present: true },
        { name: "x-role", exact: "a", invert: true },
      ],
    },
  ],
  [header('{ name: x-role, string_match: { exact: "" } }'), role({ regex: "()" })],
  [
    header('{ name: x-role, string_match: { exact: "" }, treat_missing_header_as_empty: true }'),
    { action: "deny", headers: [{ name: "x-role", present: true, invert: true }] },
    role({ regex: "()" }),
  ],
  // What counts as empty is there.
  [header("{ name: x-role, present_match: true, treat_missing_header_as_empty: true }"), { action: "deny" }],
  [header("{ name: x-role, present_match: false, treat_missing_header_as_empty: true }")],
  [
    "{ metadata: { filter: f, path: [{ key: a }], value: { string_match: { exact: b } } } }",
    {
      action: "deny",
      when: [
        '"f" in metadata.filter_metadata && "a" in metadata.filter_metadata["f"] && type(metadata.filter_metadata["f"]["a"]) == type("") && metadata.filter_metadata["f"]["a"] == "b"',
      ],
    },
  ],
  ["{ metadata: { filter: f, path: [{ key: a }], value: { present_match: false } } }"],
  [header('{ name: ":method", exact_match: GET }'), { action: "deny", methods: ["GET"] }],
  [header('{ name: ":authority", exact_match: a.example }'), { action: "deny", hosts: ["a.example"] }],
  [header('{ name: ":path", exact_match: /a }'), { action: "deny", paths: [{ exact: "/a" }] }],
  ["{ url_path: { path: { prefix: /a } } }", { action: "deny", paths: [{ startsWith: "/a" }] }],
  ["{ url_path: { path: { exact: /a, ignore_case: true } } }", { action: "deny", paths: [{ regex: "/[Aa]" }] }],
  ["{ destination_port: 80 }", { action: "deny", ports: [80] }],
  [
    "{ destination_port_range: { start: 80, end: 90 } }",
    { action: "deny", when: ["destination.port >= 80 && destination.port < 90"] },
  ],
  [
    "{ requested_server_name: { suffix: .example } }",
    { action: "deny", when: ['connection.requested_server_name.endsWith(".example")'] },
  ],
  ["{ not_rule: { destination_port: 80 } }", { action: "deny", not: { ports: [80] } }],
  [
    "{ or_rules: { rules: [{ destination_port: 80 }, { destination_port: 81 }] } }",
    { action: "deny", ports: [80, 81] },
  ],
  ["{ and_rules: { rules: [{ destination_port: 80 }, { destination_port: 81 }] } }"],
  [
    "{ not_rule: { and_rules: { rules: [{ destination_port: 80 }, { url_path: { path: { exact: /a } } }] } } }",
    { action: "deny", not: { ports: [80] } },
    { action: "deny", not: { paths: [{ exact: "/a" }] } },
  ],
  [
    `{ uri_template: { name: t, typed_config: { "@type": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: "/a/*" } } }`,
    { action: "deny", paths: [{ template: "/a/{*}" }] },
  ],
];

for (const [permission, ...expected] of permissions) {
  test(`permission ${permission}`, () => assert.deepEqual(rules(permission), expected));
}

const principals: readonly (readonly [principal: string, rule: object])[] = [
  ["{ direct_remote_ip: { address_prefix: 10.0.0.0, prefix_len: 8 } }", { action: "deny", peers: ["10.0.0.0/8"] }],
  // Envoy does not look at what stands behind the prefix.
  ["{ source_ip: { address_prefix: 10.1.2.3, prefix_len: 15 } }", { action: "deny", peers: ["10.0.0.0/15"] }],
  [
    '{ remote_ip: { address_prefix: "2001:DB8:1::5:6", prefix_len: 33 } }',
    { action: "deny", sources: ["2001:db8::/33"] },
  ],
  ["{ remote_ip: { address_prefix: 1.2.3.4, prefix_len: 32 } }", { action: "deny", sources: ["1.2.3.4/32"] }],
  [
    `{ authenticated: { principal_name: { exact: "spiffe://td/a" } } }`,
    { action: "deny", principals: [{ peer: { exact: "spiffe://td/a" } }] },
  ],
  [
    "{ filter_state: { key: io.istio.peer_principal, string_match: { prefix: spiffe } } }",
    { action: "deny", principals: [{ peer: { prefix: "spiffe" } }] },
  ],
  [
    "{ not_id: { direct_remote_ip: { address_prefix: 10.0.0.0, prefix_len: 8 } } }",
    { action: "deny", not: { peers: ["10.0.0.0/8"] } },
  ],
];

for (const [principal, expected] of principals) {
  test(`principal ${principal}`, () => assert.deepEqual(rules("{ any: true }", principal), [expected]));
}

test("a CEL condition is written as text", () => {
  const condition = `{ call_expr: { function: "_==_", args: [ { select_expr: { operand: { ident_expr: { name: request } }, field: path } }, { const_expr: { string_value: "/a" } }] } }`;
  const [rule] = rules("{ any: true }", "{ any: true }", "DENY", `, condition: ${condition}`);
  assert.deepEqual(rule, { action: "deny", when: ['(request.path == "/a")'] });
});

test("no policy that allows, no way in", () => {
  assert.deepEqual(rulesOf(imported("rules: { action: ALLOW, policies: {} }").configurations["authz"]), [nobody]);
});

test("LOG is an audit, shadow rules only count", () => {
  const policies = "policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } }";
  const { configurations } = imported(
    `rules: { action: LOG, ${policies} }\nshadow_rules: { action: DENY, ${policies} }`,
  );
  assert.deepEqual(rulesOf(configurations["authz"]), [
    { action: "audit", ...everybody },
    { action: "deny", shadow: true },
    rest,
  ]);
});

const keys = `local_jwks: { inline_string: '{"keys":[{"kty":"oct","k":"AAAA"}]}' }`;
const jwt = (rulesText: string): string =>
  `providers:\n  a: { issuer: a, ${keys}, payload_in_metadata: claims }\n  b: { issuer: b, ${keys} }\nrules: ${rulesText}\n`;
const provider = (name: string): object => ({ principals: [{ provider: name }] });

const requirements: readonly (readonly [rules: string, ...rules: object[]])[] = [
  ["[]"],
  ["[{ match: { prefix: / } }]"],
  ["[{ match: { prefix: / }, requires: { provider_name: a } }]", { action: "deny", not: provider("a") }],
  [
    "[{ match: { path: /open } }, { match: { prefix: /x }, requires: { provider_name: a } }]",
    { action: "deny", paths: [{ startsWith: "/x" }], not: { paths: [{ exact: "/open" }], ...provider("a") } },
  ],
  [
    "[{ match: { prefix: / }, requires: { requires_any: { requirements: [{ provider_name: a }, { provider_name: b }] } } }]",
    { action: "deny", not: { principals: [{ provider: "a" }, { provider: "b" }] } },
  ],
  [
    "[{ match: { prefix: / }, requires: { requires_any: { requirements: [{ provider_name: a }, { allow_missing: {} }] } } }]",
    { action: "deny", not: { principals: [{ provider: "a" }, { anonymous: true }] } },
  ],
];

for (const [text, ...expected] of requirements) {
  test(`jwt_authn ${text}`, () => {
    const { configurations, findings } = imported(jwt(text));
    assert.deepEqual(findings, []);
    assert.deepEqual(rulesOf(configurations["authz"]), [...expected, rest]);
  });
}

test("a provider of jwt_authn, field by field", () => {
  const fields = [
    "subjects: { prefix: svc- }",
    "max_lifetime: 3600s",
    "require_expiration: true",
    "from_headers: [{ name: x-token, value_prefix: 'Token ' }]",
    "from_params: [access_token]",
    "from_cookies: [session]",
    "forward_payload_header: x-payload",
    "clock_skew_seconds: 5",
  ].join(", ");
  const { configurations, findings } = imported(
    `providers: { a: { issuer: a, ${keys}, ${fields} } }\nrules: [{ match: { prefix: / }, requires: { allow_missing_or_failed: {} } }]\n`,
  );
  assert.deepEqual(
    findings.filter((finding) => !finding.includes(": note: ")),
    [],
  );
  const [{ localJwks, ...found } = {}] = configurations["authz"]?.jwtProviders ?? [];
  assert.ok(localJwks);
  assert.deepEqual(found, {
    name: "a",
    issuer: "a",
    subjects: [{ prefix: "svc-" }],
    fromHeaders: [{ name: "x-token", prefix: "Token " }],
    fromParams: ["access_token"],
    fromCookies: ["session"],
    payloadHeader: "x-payload",
    clockSkew: "5s",
    requireExpiration: true,
    maxLifetime: "3600s",
    onFailure: "ignore",
  });
});

test("headers that let Envoy choose the route again are said, unless jwt_authn does so too", () => {
  const notes = (fields: string): string[] => imported(`providers: { a: { issuer: a, ${keys}, ${fields} } }`).findings;
  const header = "claim_to_headers: [{ header_name: x-tenant, claim_name: tenant }]";
  assert.match(notes(header).join(), /note: .*claim_to_headers: Envoy chooses the route again/);
  assert.match(notes("forward_payload_header: x-p").join(), /note: .*forward_payload_header: Envoy chooses/);
  assert.deepEqual(notes(`${header}, clear_route_cache: true`), []);
});

const typed = (type: string, fields: string): string =>
  `{ name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.${type}, ${fields} } }`;
const chain = (...filters: string[]): string => `static_resources:
  listeners:
  - filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          http_filters:
${filters.map((filter) => `          - ${filter}`).join("\n")}
`;
const flow = (text: string): string => text.trim().replace(/\n/g, ", ");

test("filters of one chain become one configuration: claims, and two that allow", () => {
  const allow = (permission: string, principal: string): string =>
    typed(
      "http.rbac.v3.RBAC",
      `rules: { policies: { p: { permissions: [${permission}], principals: [${principal}] } } }`,
    );
  const subject =
    "{ metadata: { filter: envoy.filters.http.jwt_authn, path: [{ key: claims }, { key: sub }], value: { string_match: { exact: s } } } }";
  const { configurations, findings } = imported(
    chain(
      typed(
        "http.jwt_authn.v3.JwtAuthentication",
        flow(`providers: { a: { issuer: a, ${keys}, payload_in_metadata: claims } }`),
      ),
      allow("{ any: true }", subject),
      allow("{ destination_port: 80 }", "{ any: true }"),
      typed("http.router.v3.Router", "suppress_envoy_headers: true"),
    ),
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(rulesOf(configurations["authz"]), [
    { action: "allow", claims: [{ claim: "sub", equals: "s" }], ...everybody },
    { action: "deny", not: { ports: [80] } },
  ]);
});

test("what has no equal is stricter, and said", () => {
  const text = (action: string): string =>
    `rules: { action: ${action}, policies: { p: { permissions: [{ destination_ip: { address_prefix: 1.2.3.4 } }], principals: [{ any: true }] } } }`;
  const allowed = imported(text("ALLOW"));
  assert.match(
    allowed.findings.join(),
    /^p\.yaml:1:\d+: loss: rules\.policies\.p\.permissions\[0\]\.destination_ip: the address that was called/,
  );
  assert.deepEqual(rulesOf(allowed.configurations["authz"]), [nobody]);
  assert.deepEqual(rulesOf(imported(text("DENY")).configurations["authz"]), [{ action: "deny" }, rest]);
  const network = imported(chain(typed("network.rbac.v3.RBAC", "stat_prefix: x")));
  assert.match(
    network.findings.join("\n"),
    /loss: .*network\.rbac\.v3\.RBAC is not carried over; keep this network filter/,
  );
});

test("an unknown field is an error", () => {
  const { configurations, findings } = imported(
    "rules: { policies: { p: { permissions: [{ destinaton_port: 80 }], principals: [{ any: true }] } } }",
  );
  assert.deepEqual(configurations, {});
  assert.match(findings.join("\n"), /error: .*destinaton_port: unknown field \(did you mean "destination_port"\?\)/);
});
