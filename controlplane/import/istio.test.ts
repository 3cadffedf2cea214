import assert from "node:assert/strict";
import { test } from "node:test";
import type { Configuration } from "./index.ts";
import { imported } from "./testing.ts";

const policy = (spec: string, metadata = "{ name: p, namespace: shop }"): string =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: ${metadata}\nspec:\n${spec.replace(/^/gm, "  ")}\n`;

const authentication = (rules: string, spec = ""): string => `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: ids, namespace: shop }
spec:
${spec}  jwtRules:
${rules}
---
`;
const issuer = `  - { issuer: "https://id.example", jwks: '{"keys":[{"kty":"oct","k":"AAAA"}]}' }`;

/** The conditions of the only rule, without its name and action. */
function conditions(text: string): object {
  const { configurations, findings } = imported(text, { trustedHops: 0 });
  assert.deepEqual(
    findings.filter((finding) => !finding.includes(": note: ")),
    [],
  );
  const [rule, ...rest] = configurations["shop"]?.rules ?? [];
  assert.deepEqual(rest, []);
  assert.ok(rule !== undefined);
  const { name, action, ...others } = rule;
  assert.ok(name !== "" && action === "allow");
  return others;
}

const everybody = { principals: [{ any: true }] };
const from = (source: string): string => `rules: [{ from: [{ source: ${source} }] }]`;
const to = (operation: string): string => `rules: [{ to: [{ operation: ${operation} }] }]`;
const when = (condition: string): string => `rules: [{ when: [${condition}] }]`;

// Facts of Istio's policies: each condition, and what it comes to.
const facts: readonly (readonly [spec: string, rule: object])[] = [
  ["rules: [{}]", everybody],
  [to(`{ methods: [GET, HEAD] }`), { methods: ["GET", "HEAD"], ...everybody }],
  [to(`{ methods: ["*"] }`), everybody],
  [to(`{ methods: ["P*"] }`), { ...everybody, when: ['request.method.startsWith("P")'] }],
  [to(`{ notMethods: [GET] }`), { ...everybody, not: { methods: ["GET"] } }],
  [
    to(`{ paths: ["/a", "/b*", "*.css"] }`),
    { paths: [{ exact: "/a" }, { startsWith: "/b" }, { suffix: ".css" }], ...everybody },
  ],
  [
    to(`{ paths: ["/a/{*}/b", "/c/{**}"] }`),
    { paths: [{ template: "/a/{*}/b" }, { template: "/c/{**}" }], ...everybody },
  ],
  [to(`{ notPaths: ["/x*"] }`), { ...everybody, not: { paths: [{ startsWith: "/x" }] } }],
  [
    to(`{ hosts: ["a.example", "*.b.example", "c.example:*"] }`),
    { hosts: ["a.example", "*.b.example", "c.example"], ...everybody },
  ],
  [
    to(`{ hosts: ["a.example:80"] }`),
    { ...everybody, when: ['request.host.matches("^(?:[Aa]\\\\.[Ee][Xx][Aa][Mm][Pp][Ll][Ee]:80)$")'] },
  ],
  [to(`{ ports: ["80", "8080"], notPorts: ["90"] }`), { ports: [80, 8080], ...everybody, not: { ports: [90] } }],
  [
    from(`{ principals: ["cluster.local/ns/a/sa/b"] }`),
    { principals: [{ peer: { exact: "spiffe://cluster.local/ns/a/sa/b" } }] },
  ],
  [from(`{ principals: ["td/ns/a/*"] }`), { principals: [{ peer: { prefix: "spiffe://td/ns/a/" } }] }],
  [from(`{ principals: ["*/sa/b"] }`), { principals: [{ peer: { regex: "spiffe://.*/sa/b" } }] }],
  [from(`{ principals: ["*"] }`), { principals: [{ peer: { prefix: "spiffe://" } }] }],
  [
    from(`{ notPrincipals: ["td/ns/a/sa/b"] }`),
    { ...everybody, not: { principals: [{ peer: { exact: "spiffe://td/ns/a/sa/b" } }] } },
  ],
  [from(`{ namespaces: [a] }`), { principals: [{ peer: { contains: "/ns/a/" } }] }],
  [from(`{ namespaces: ["a*"] }`), { principals: [{ peer: { regex: ".*/ns/a.*/.*" } }] }],
  [from(`{ serviceAccounts: [web] }`), { principals: [{ peer: { regex: "spiffe://.+/ns/shop/(.+/)?sa/web(/.+)?" } }] }],
  [from(`{ serviceAccounts: [b/web] }`), { principals: [{ peer: { regex: "spiffe://.+/ns/b/(.+/)?sa/web(/.+)?" } }] }],
  [from(`{ trustDomains: [td] }`), { principals: [{ peer: { prefix: "spiffe://td/" } }] }],
  [from(`{ ipBlocks: [10.0.0.0/8, 1.2.3.4] }`), { peers: ["10.0.0.0/8", "1.2.3.4/32"], ...everybody }],
  [from(`{ remoteIpBlocks: ["2001:db8::/32"] }`), { sources: ["2001:db8::/32"], ...everybody }],
  [from(`{ notIpBlocks: [10.0.0.0/8] }`), { ...everybody, not: { peers: ["10.0.0.0/8"] } }],
  [
    from(`{ namespaces: [a], principals: ["td/ns/a/sa/b"] }`),
    { principals: [{ allOf: [{ peer: { exact: "spiffe://td/ns/a/sa/b" } }, { peer: { contains: "/ns/a/" } }] }] },
  ],
  [
    when(`{ key: "request.headers[X-Role]", values: [admin] }`),
    { headers: [{ name: "x-role", exact: "admin" }], ...everybody },
  ],
  [
    when(`{ key: "request.headers[x-role]", notValues: [a, "b*"] }`),
    {
      headers: [
        { name: "x-role", exact: "a", invert: true },
        { name: "x-role", prefix: "b", invert: true },
      ],
      ...everybody,
    },
  ],
  [
    when(`{ key: "request.headers[x-role]", values: ["*"] }`),
    { headers: [{ name: "x-role", present: true }], ...everybody },
  ],
  [
    when(`{ key: connection.sni, values: ["a.example"] }`),
    { ...everybody, when: ['connection.requested_server_name == "a.example"'] },
  ],
  [when(`{ key: destination.port, values: ["80"] }`), { ports: [80], ...everybody }],
  [when(`{ key: remote.ip, notValues: ["1.2.3.0/24"] }`), { ...everybody, not: { sources: ["1.2.3.0/24"] } }],
  [
    when(`{ key: "experimental.envoy.filters.a.b[c]", values: ["[v]"] }`),
    { ...everybody, when: ['"v" in metadata.filter_metadata["envoy.filters.a.b"]["c"]'] },
  ],
];

for (const [spec, rule] of facts) test(spec, () => assert.deepEqual(conditions(policy(spec)), rule));

// Conditions on tokens, where one issuer is known.
const tokenFacts: readonly (readonly [spec: string, rule: object])[] = [
  [
    from(`{ requestPrincipals: ["https://id.example/alice"] }`),
    { principals: [{ issuer: "https://id.example", subject: "alice" }] },
  ],
  [from(`{ requestPrincipals: ["*"] }`), { ...everybody, claims: [{ claim: "sub", regex: ".+" }] }],
  [from(`{ notRequestPrincipals: ["*"] }`), { ...everybody, not: { claims: [{ claim: "sub", regex: ".+" }] } }],
  [from(`{ requestPrincipals: ["*alice"] }`), { ...everybody, claims: [{ claim: "sub", suffix: "alice" }] }],
  [
    from(`{ requestPrincipals: ["https://id.example/*"] }`),
    { principals: [{ issuer: "https://id.example" }], claims: [{ claim: "sub", regex: ".+" }] },
  ],
  [
    when(`{ key: "request.auth.claims[scope]", values: [read] }`),
    { ...everybody, claims: [{ claim: "scope", contains: "read" }] },
  ],
  [
    when(`{ key: "request.auth.claims[a][b.c]", values: [v] }`),
    { ...everybody, claims: [{ claim: ["a", "b.c"], contains: "v" }] },
  ],
  [
    when(`{ key: request.auth.audiences, values: [web] }`),
    { ...everybody, claims: [{ claim: "aud", contains: "web" }] },
  ],
  [
    when(`{ key: request.auth.presenter, notValues: [app] }`),
    { ...everybody, not: { claims: [{ claim: "azp", contains: "app" }] } },
  ],
];

for (const [spec, rule] of tokenFacts) {
  test(`token: ${spec}`, () => assert.deepEqual(conditions(authentication(issuer) + policy(spec)), rule));
}

const rulesOf = (configuration: Configuration | undefined): object[] =>
  (configuration?.rules ?? []).map((rule) => JSON.parse(JSON.stringify({ ...rule, name: undefined })) as object);

test("alternatives become rules", () => {
  const { configurations } = imported(
    policy(`action: DENY
rules:
- from: [{ source: { namespaces: [a] } }, { source: { ipBlocks: [10.0.0.0/8] } }]
  to: [{ operation: { methods: [GET] } }, { operation: { paths: [/x] } }]`),
    { trustedHops: 0 },
  );
  const peer = { principals: [{ peer: { contains: "/ns/a/" } }] };
  assert.deepEqual(rulesOf(configurations["shop"]), [
    { action: "deny", methods: ["GET"], ...peer },
    { action: "deny", paths: [{ exact: "/x" }], ...peer },
    { action: "deny", methods: ["GET"], peers: ["10.0.0.0/8"] },
    { action: "deny", paths: [{ exact: "/x" }], peers: ["10.0.0.0/8"] },
  ]);
});

test("what a policy without rules comes to", () => {
  const nobody = { action: "allow", principals: [{ not: { any: true } }] };
  assert.deepEqual(rulesOf(imported(policy("action: ALLOW")).configurations["shop"]), [nobody]);
  assert.deepEqual(rulesOf(imported(policy("action: DENY")).configurations["shop"]), [
    { action: "allow", ...everybody },
  ]);
});

test("an issuer that nobody verifies is nobody", () => {
  const { configurations, findings } = imported(policy(from(`{ requestPrincipals: ["x/y"] }`)));
  assert.deepEqual(rulesOf(configurations["shop"]), [{ action: "allow", principals: [{ not: { any: true } }] }]);
  assert.match(findings.join(), /no RequestAuthentication verifies tokens of "x"/);
});

test("cluster.local stands for the trust domain", () => {
  const text = policy(`action: DENY\n${from(`{ principals: ["cluster.local/ns/a/sa/b"] }`)}`);
  const { configurations } = imported(text, { trustDomain: "td" });
  assert.deepEqual(rulesOf(configurations["shop"]), [
    { action: "deny", principals: [{ peer: { exact: "spiffe://td/ns/a/sa/b" } }] },
  ]);
});

test("a dry run is a shadow rule", () => {
  const metadata = `{ name: p, namespace: shop, annotations: { istio.io/dry-run: "true" } }`;
  const { configurations } = imported(policy("action: DENY\nrules: [{}]", metadata));
  assert.deepEqual(rulesOf(configurations["shop"]), [{ action: "deny", shadow: true }]);
});

test("what has no equal is stricter, and said", () => {
  const lossy = when(`{ key: destination.ip, values: [10.0.0.1] }`);
  const allowed = imported(policy(lossy));
  assert.deepEqual(allowed.findings, [
    "p.yaml:5:52: loss: spec.rules[0].when[0].values[0]: the filter does not compare the address that was called; compare the port or the host",
  ]);
  assert.deepEqual(rulesOf(allowed.configurations["shop"]), [
    { action: "allow", principals: [{ not: { any: true } }] },
  ]);
  assert.deepEqual(rulesOf(imported(policy(`action: DENY\n${lossy}`)).configurations["shop"]), [{ action: "deny" }]);
  const custom = imported(policy("action: CUSTOM\nprovider: { name: opa }\nrules: [{}]"));
  assert.deepEqual(rulesOf(custom.configurations["shop"]), [{ action: "deny" }]);
  assert.match(custom.findings.join(), /loss: spec\.provider/);
  assert.match(imported(policy(from("{ ipBlocks: [1.2.3.4] }"))).findings.join(), /loss: .*give --trusted-hops 0/);
});

test("each set of workloads gets what applies to it", () => {
  const named = (name: string, namespace: string, selector: string): string =>
    `---\n${policy(`${selector}action: DENY\n${to(`{ paths: ["/${name}"] }`)}`, `{ name: ${name}, namespace: ${namespace} }`)}`;
  const label = (text: string): string => `selector: { matchLabels: { ${text} } }\n`;
  const { configurations } = imported(
    named("all", "istio-system", "") +
      named("web", "shop", label("app: web")) +
      named("v1", "shop", label("version: v1")) +
      named("api", "shop", label("app: api")),
  );
  const names = Object.fromEntries(
    Object.entries(configurations).map(([name, { rules }]) => [name, rules.map((rule) => rule.name).join(" ")]),
  );
  assert.deepEqual(names, {
    "istio-system": "all-0",
    shop: "all-0",
    "shop.app-web": "all-0 web-0",
    "shop.version-v1": "all-0 v1-0",
    "shop.app-web.version-v1": "all-0 web-0 v1-0",
    "shop.app-api": "all-0 api-0",
    "shop.app-api.version-v1": "all-0 v1-0 api-0",
  });
});

test("a provider", () => {
  const { configurations, findings } = imported(
    authentication(`  - issuer: https://id.example
    audiences: [web]
    jwksUri: https://id.example:8443/keys?x=1
    fromHeaders: [{ name: x-jwt, prefix: "JWT " }, { name: x-raw, prefix: "jwt=" }]
    fromCookies: [session]
    forwardOriginalToken: true
    outputPayloadToHeader: x-payload
    outputClaimToHeaders: [{ header: x-user, claim: user.name }]`),
  );
  assert.deepEqual(configurations["shop"]?.jwtProviders, [
    {
      name: "ids",
      issuer: "https://id.example",
      audiences: ["web"],
      remoteJwks: { cluster: "outbound|8443||id.example", path: "/keys?x=1", authority: "id.example:8443" },
      fromHeaders: [{ name: "x-jwt", prefix: "JWT " }],
      fromCookies: ["session"],
      forward: true,
      payloadHeader: "x-payload",
      claimToHeaders: [{ claim: "user.name", header: "x-user" }],
      requireExpiration: false,
    },
  ]);
  assert.equal(findings.filter((finding) => finding.includes(": loss: ")).length, 1);
});

const faults: readonly (readonly [spec: string, message: RegExp])[] = [
  ["rules: [{ form: [] }]", /^p\.yaml:5:19: error: spec\.rules\[0\]\.form: unknown field \(did you mean "from"\?\)$/],
  ["action: REFUSE", /^p\.yaml:5:11: error: spec\.action: expected ALLOW, DENY, AUDIT or CUSTOM$/],
  [to(`{ ports: ["http"] }`), /expected a port/],
  [from(`{ ipBlocks: ["10.0.0.0/33"] }`), /expected an address or a range/],
  [when(`{ key: source.port, values: [x] }`), /"source\.port" is no attribute/],
  [when(`{ key: source.ip }`), /expected values or notValues/],
  [to(`{ paths: /x }`), /expected a list, found "\/x"/],
];

for (const [spec, message] of faults) {
  test(`fault: ${spec}`, () => {
    const { configurations, findings } = imported(policy(spec));
    assert.match(findings.join("\n"), message);
    assert.deepEqual(configurations, {});
  });
}
