import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Asset } from "./assets.ts";
import { loadModel, parseResources } from "./load.ts";
import { formatProblem } from "./problem.ts";

const shop = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec:
  port: 80
  endpoints:
    - address: 10.0.0.1
      port: 8080
      sidecar: { node: shop-1, inboundPort: 15006 }
`;

const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ kind: Service, name: shop }]
  hostnames: [shop.example.com]
  rules:
    - matches: [{ path: { value: /a } }]
      backendRefs: [{ name: shop, port: 80 }]
`;

const authz = `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: authz }
spec: { file: ../authz.wasm, schema: authz.json }
`;

const policy = `apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: authz }
spec:
  targetRefs: [{ name: shop }]
  module: authz
  configuration:
    rules: [{ limit: 1 }]
`;

const schema = JSON.stringify({
  properties: {
    rules: { type: "array", items: { properties: { limit: { type: "integer" } }, additionalProperties: false } },
  },
});

const good: Readonly<Record<string, string>> = {
  "mesh/authz.yaml": authz,
  "mesh/policy.yaml": policy,
  "mesh/route.yaml": route,
  "mesh/shop.yaml": shop,
};

const assets: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  ["authz.wasm", { ok: true }],
  ["mesh/authz.json", { ok: true, text: schema }],
]);

function load(changed: Readonly<Record<string, string>>, found = assets): string[] {
  const files = Object.entries({ ...good, ...changed }).map(([path, text]) => ({ path, text }));
  const result = loadModel(files, found);
  return result.ok ? [] : result.problems.map(formatProblem);
}

function edit(file: string, from: string, to: string): Record<string, string> {
  const text = good[file];
  assert.ok(text?.includes(from) === true, from);
  return { [file]: text.replace(from, to) };
}

describe("a model", () => {
  it("has maps by name, defaults, paths of files, and cannot be changed", () => {
    const files = Object.entries({
      ...good,
      "mesh/b.yaml": shop.replaceAll("shop", "another").replace("10.0.0.1", "10.0.0.2"),
    });
    const result = loadModel(
      files.map(([path, text]) => ({ path, text })),
      assets,
    );
    assert.ok(result.ok);
    const { services, httpRoutes, wasmModules, filterPolicies } = result.model;
    assert.deepEqual([...services.keys()], ["another", "shop"]);
    const service = services.get("shop");
    assert.deepEqual(
      [service?.spec.protocol, service?.spec.loadBalancing.policy, service?.spec.endpoints[0]?.weight],
      ["HTTP", "RoundRobin", 1],
    );
    const [rule] = httpRoutes.get("shop")?.spec.rules ?? [];
    assert.deepEqual(rule?.matches, [{ path: { type: "PathPrefix", value: "/a" }, headers: [], queryParams: [] }]);
    const module = wasmModules.get("authz");
    assert.deepEqual([module?.filePath, module?.schemaPath], ["authz.wasm", "mesh/authz.json"]);
    const spec = filterPolicies.get("authz")?.spec;
    assert.deepEqual([spec?.direction, spec?.order, spec?.failurePolicy], ["Inbound", 0, "FailReload"]);
    assert.throws(() => ((service as { spec: unknown }).spec = {}), TypeError);
    assert.throws(() => (service?.spec.endpoints as unknown[]).push({}), TypeError);
  });

  it("names the files that its modules need", () => {
    const { references } = parseResources([
      { path: "mesh/a.yaml", text: authz },
      { path: "b.yaml", text: authz.replace("../", "/x/") },
    ]);
    assert.deepEqual(references, [
      { path: "authz.wasm", use: "module" },
      { path: "mesh/authz.json", use: "schema" },
      { path: "/x/authz.wasm", use: "module" },
      { path: "authz.json", use: "schema" },
    ]);
  });

  it("takes no schema for a resource, although it lies beside the resources", () => {
    assert.deepEqual(load({ "mesh/authz.json": schema }), []);
    assert.equal(load({ "mesh/other.json": schema }).length, 1);
  });
});

describe("a fault in a resource", () => {
  const cases: [what: string, changed: Record<string, string>, expected: string[]][] = [
    ["none", {}, []],
    [
      "text",
      { "x.yaml": "hello" },
      ["x.yaml:1:1: expected a resource: a map with apiVersion, kind, metadata and spec"],
    ],
    [
      "no kind",
      { "x.yaml": "a: 1" },
      [
        "x.yaml:1:1: kind: required field is missing, expected one of Service, HTTPRoute, GRPCRoute, WasmModule, FilterPolicy, Quota, Rollout, EnvoyPatch, Telemetry, Mesh, Certificate",
      ],
    ],
    [
      "an unknown kind",
      { "x.yaml": "kind: Servce" },
      [
        'x.yaml:1:7: kind: found string "Servce", expected one of Service, HTTPRoute, GRPCRoute, WasmModule, FilterPolicy, Quota, Rollout, EnvoyPatch, Telemetry, Mesh, Certificate (did you mean "Service"?)',
      ],
    ],
    [
      "an old version",
      edit("mesh/route.yaml", "/v1", "/v1beta1"),
      [
        'mesh/route.yaml:1:13: apiVersion: expected "gateway.networking.k8s.io/v1", found string "gateway.networking.k8s.io/v1beta1"',
      ],
    ],
    [
      "no spec",
      { "x.yaml": "apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: x }" },
      ["x.yaml:1:1: spec: required field is missing; expected object"],
    ],
    [
      "an empty spec",
      { "x.yaml": "apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: x }\nspec:" },
      ["x.yaml:4:1: spec: expected object, found null"],
    ],
    [
      "several faults, in the order of the file",
      edit("mesh/shop.yaml", "port: 80\n", "port: 0\n  protcol: HTTP\n"),
      [
        "mesh/shop.yaml:5:9: spec.port: expected integer of at least 1 and at most 65535, found integer 0",
        'mesh/shop.yaml:6:3: spec.protcol: unknown field (did you mean "protocol"?); allowed here: port, portName, protocol, mtls, hostnames, local, otherPorts, portOf, connectTimeout, endpoints, trafficDistribution, loadBalancing, circuitBreakers, outlierDetection, healthCheck, connectionPool, tcpKeepalive, http2, dns, inboundTls, endpointTls',
      ],
    ],
    [
      "a host for an address",
      edit("mesh/shop.yaml", "10.0.0.1", "localhost"),
      ['mesh/shop.yaml:7:16: spec.endpoints[0].address: expected an IPv4 or IPv6 address, found "localhost"'],
    ],
    [
      "an address of no interface",
      edit("mesh/shop.yaml", "10.0.0.1", "0.0.0.0"),
      ["mesh/shop.yaml:7:16: spec.endpoints[0].address: expected the address of one interface, found 0.0.0.0"],
    ],
    [
      "one port for two",
      edit("mesh/shop.yaml", "15006", "8080"),
      [
        "mesh/shop.yaml:9:45: spec.endpoints[0].sidecar.inboundPort: the listening address 10.0.0.1:8080 is that of Service shop endpoints[0].port already (mesh/shop.yaml:8)",
      ],
    ],
    [
      "a relative path",
      edit("mesh/route.yaml", "/a", "a"),
      [
        'mesh/route.yaml:8:34: spec.rules[0].matches[0].path.value: expected an absolute, normalized path: it begins with "/", and holds no "//", "/./", "/../", %2F, %5C, "?" or "#", found string "a"',
      ],
    ],
    [
      "an expression that RE2 does not know",
      edit("mesh/route.yaml", "value: /a", 'type: RegularExpression, value: "(?=a)"'),
      [
        "mesh/route.yaml:8:59: spec.rules[0].matches[0].path.value: not a regular expression that Envoy (RE2) takes: invalid or unsupported Perl syntax: `(?=`",
      ],
    ],
    [
      "a header that is there twice",
      edit("mesh/route.yaml", "path: { value: /a }", "headers: [{ name: x, value: a }, { name: X, value: b }]"),
      ["mesh/route.yaml:8:60: spec.rules[0].matches[0].headers[1].name: the header x is there twice (see item 0)"],
    ],
    [
      "a filter that is there twice",
      edit(
        "mesh/route.yaml",
        "matches:",
        "filters: [{ type: RequestHeaderModifier, requestHeaderModifier: {} }, { type: RequestHeaderModifier, requestHeaderModifier: {} }]\n      matches:",
      ),
      [
        "mesh/route.yaml:8:85: spec.rules[0].filters[1].type: the filter RequestHeaderModifier is there twice (see item 0)",
      ],
    ],
    [
      "a field of the standard that is not there yet",
      edit("mesh/route.yaml", "  rules:", "  useDefaultGateways: All\n  rules:"),
      ["mesh/route.yaml:7:3: spec.useDefaultGateways: not supported yet"],
    ],
    [
      "sessions as earlier releases of the standard had them",
      edit(
        "mesh/route.yaml",
        "matches:",
        "sessionPersistence: { sessionName: s, idleTimeout: 1h, cookieConfig: { lifetimeType: Session } }\n      matches:",
      ),
      [
        "mesh/route.yaml:8:29: spec.rules[0].sessionPersistence.sessionName: of an earlier release of the Gateway API: now cookie.name, or header.name",
        "mesh/route.yaml:8:45: spec.rules[0].sessionPersistence.idleTimeout: of an earlier release of the Gateway API, and not supported: Envoy ends no session that is idle",
        "mesh/route.yaml:8:62: spec.rules[0].sessionPersistence.cookieConfig: of an earlier release of the Gateway API: now cookie",
      ],
    ],
    [
      "a parent that is not there yet",
      edit("mesh/route.yaml", "kind: Service,", "kind: Gateway,"),
      ['mesh/route.yaml:5:24: spec.parentRefs[0].kind: string "Gateway" is not supported yet; expected "Service"'],
    ],
  ];
  for (const [what, changed, expected] of cases) it(what, () => assert.deepEqual(load(changed), expected));
});

describe("a fault between resources", () => {
  const another = shop.replaceAll("shop", "another").replace("10.0.0.1", "10.0.0.2");
  const cases: [what: string, changed: Record<string, string>, expected: string[]][] = [
    [
      "a name that is there twice",
      { "mesh/x.yaml": another.replace("name: another", "name: shop") },
      ["mesh/x.yaml:3:19: metadata.name: there is another Service shop (mesh/shop.yaml:3)"],
    ],
    [
      "a node that is there twice",
      { "mesh/x.yaml": another.replace("another-1", "shop-1") },
      [
        "mesh/shop.yaml:9:24: spec.endpoints[0].sidecar.node: the node shop-1 is that of Service another endpoints[0] already (mesh/x.yaml:9)",
      ],
    ],
    [
      "a socket that is there twice",
      { "mesh/x.yaml": another.replace("10.0.0.2", "10.0.0.1").replace("8080", "8081") },
      [
        "mesh/shop.yaml:9:45: spec.endpoints[0].sidecar.inboundPort: the listening address 10.0.0.1:15006 is that of Service another endpoints[0].sidecar.inboundPort already (mesh/x.yaml:9)",
      ],
    ],
    [
      "one loopback port on two machines, which is none",
      {
        "mesh/x.yaml": another.replace("inboundPort: 15006", "inboundPort: 15006, outboundPort: 15001"),
        ...edit("mesh/shop.yaml", "inboundPort: 15006", "inboundPort: 15006, outboundPort: 15001"),
      },
      [],
    ],
    [
      "an unknown parent",
      edit("mesh/route.yaml", "name: shop }]\n  host", "name: shpo }]\n  host"),
      ['mesh/route.yaml:5:39: spec.parentRefs[0].name: there is no Service "shpo" (did you mean "shop"?); known: shop'],
    ],
    [
      "an unknown backend",
      edit("mesh/route.yaml", "name: shop, port", "name: stock, port"),
      ['mesh/route.yaml:9:29: spec.rules[0].backendRefs[0].name: there is no Service "stock"; known: shop'],
    ],
    [
      "another port than the backend's",
      edit("mesh/route.yaml", "port: 80 ", "port: 81 "),
      ["mesh/route.yaml:9:41: spec.rules[0].backendRefs[0].port: Service shop has port 80, found 81"],
    ],
    [
      "a parent that is there twice",
      edit(
        "mesh/route.yaml",
        "[{ kind: Service, name: shop }]",
        "[{ kind: Service, name: shop }, { kind: Service, name: shop }]",
      ),
      ["mesh/route.yaml:5:70: spec.parentRefs[1].name: the parent shop is there twice (see item 0)"],
    ],
    [
      "a host of two Services",
      { "mesh/x.yaml": another, ...edit("mesh/route.yaml", "[shop.example.com]", "[another]") },
      ["mesh/route.yaml:6:15: spec.hostnames[0]: the host another is that of Service another already (mesh/x.yaml:3)"],
    ],
    [
      "an unknown target",
      edit("mesh/policy.yaml", "name: shop", "name: show"),
      [
        'mesh/policy.yaml:5:24: spec.targetRefs[0].name: there is no Service "show" (did you mean "shop"?); known: shop',
      ],
    ],
    [
      "a module from nowhere",
      edit("mesh/authz.yaml", "file: ../authz.wasm, ", ""),
      ["mesh/authz.yaml:4:7: spec: expected one of file, url and image, found none of them"],
    ],
    [
      "a module from two places",
      edit("mesh/authz.yaml", "file: ../authz.wasm, ", "file: ../authz.wasm, image: r.example.com/a:1, "),
      ["mesh/authz.yaml:4:7: spec: expected one of file, url and image, found file and image"],
    ],
    [
      "a module from a server, of which nobody knows what it is",
      edit("mesh/authz.yaml", "file: ../authz.wasm, ", "url: http://r.example.com/a.wasm, "),
      [
        "mesh/authz.yaml:4:1: spec.sha256: required field is missing (needed with url); expected string",
        'mesh/authz.yaml:4:14: spec.url: expected an HTTPS URL, found "http://r.example.com/a.wasm"',
      ],
    ],
    [
      "an image without a registry",
      edit("mesh/authz.yaml", "file: ../authz.wasm, ", "image: hello, "),
      [
        "mesh/authz.yaml:4:16: spec.image: hello: expected REGISTRY/REPOSITORY:TAG, for example registry.example.com/filters/hello:1.0; found no host of a registry before the first /",
      ],
    ],
    [
      "a SHA-256 that is none",
      edit("mesh/authz.yaml", "file: ../authz.wasm, ", "image: hello, sha256: 0A, "),
      ['mesh/authz.yaml:4:31: spec.sha256: expected a SHA-256: 64 lower-case hexadecimal digits, found string "0A"'],
    ],
    [
      "an unknown module",
      edit("mesh/policy.yaml", "module: authz", "module: autz"),
      ['mesh/policy.yaml:6:11: spec.module: there is no WasmModule "autz" (did you mean "authz"?); known: authz'],
    ],
    [
      "a target without sidecar",
      edit("mesh/shop.yaml", "      sidecar: { node: shop-1, inboundPort: 15006 }\n", ""),
      [
        "mesh/policy.yaml:5:24: spec.targetRefs[0].name: the filter would not run: endpoints[0] of Service shop has no sidecar",
      ],
    ],
    [
      "a target without outbound listener",
      edit("mesh/policy.yaml", "module: authz", "module: authz\n  direction: Outbound"),
      [
        "mesh/policy.yaml:5:24: spec.targetRefs[0].name: the filter would not run: the sidecar of endpoints[0] of Service shop has no outboundPort",
      ],
    ],
    [
      "a target that is only a name",
      { "mesh/shop.yaml": shop.slice(0, shop.indexOf("  endpoints")) },
      [
        "mesh/policy.yaml:5:24: spec.targetRefs[0].name: the filter would not run: Service shop has no endpoints of its own; name the Services behind it",
      ],
    ],
    [
      "a faulty Service, of which nobody else complains",
      edit("mesh/shop.yaml", "port: 80\n", "port: 0\n"),
      ["mesh/shop.yaml:5:9: spec.port: expected integer of at least 1 and at most 65535, found integer 0"],
    ],
    [
      "an unreadable file, which may hold anything",
      { "mesh/shop.yaml": "a: {" },
      ["mesh/shop.yaml:1:5: YAML: Flow map in block collection must be sufficiently indented and end with a }"],
    ],
  ];
  for (const [what, changed, expected] of cases) it(what, () => assert.deepEqual(load(changed), expected));
});

describe("a fault of a module's files", () => {
  const found = (path: string, asset: Asset): ReadonlyMap<string, Asset> => new Map([...assets, [path, asset]]);
  const cases: [
    what: string,
    changed: Record<string, string>,
    found: ReadonlyMap<string, Asset>,
    expected: string[],
  ][] = [
    [
      "a missing module",
      {},
      found("authz.wasm", { ok: false, reason: "there is no such file" }),
      ["mesh/authz.yaml:4:15: spec.file: cannot read authz.wasm: there is no such file"],
    ],
    [
      "a missing schema",
      {},
      found("mesh/authz.json", { ok: false, reason: "no permission" }),
      ["mesh/authz.yaml:4:38: spec.schema: cannot read mesh/authz.json: no permission"],
    ],
    [
      "a schema that is none",
      {},
      found("mesh/authz.json", { ok: true, text: "[]" }),
      ["mesh/authz.json:1:1: expected a JSON Schema, an object"],
    ],
    [
      "a configuration that breaks the schema",
      edit("mesh/policy.yaml", "limit: 1", "limit: '1', burst: 2"),
      assets,
      [
        'mesh/policy.yaml:8:22: spec.configuration.rules[0].limit: expected integer, found string "1"',
        "mesh/policy.yaml:8:27: spec.configuration.rules[0].burst: unknown field; allowed here: limit",
      ],
    ],
    [
      "a configuration that is not there",
      edit("mesh/policy.yaml", "  configuration:\n    rules: [{ limit: 1 }]\n", ""),
      found("mesh/authz.json", { ok: true, text: '{ "required": ["rules"] }' }),
      ["mesh/policy.yaml:4:1: spec.configuration.rules: required field is missing"],
    ],
  ];
  for (const [what, changed, files, expected] of cases)
    it(what, () => assert.deepEqual(load(changed, files), expected));

  it("is not looked for without them", () => {
    assert.ok(loadModel(Object.entries(good).map(([path, text]) => ({ path, text }))).ok);
  });
});
