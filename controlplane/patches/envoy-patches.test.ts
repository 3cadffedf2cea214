import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { formatProblem } from "../model/index.ts";
import { meshText, modelOf, resourceJson, snapshotOf, translated } from "../translate/testdata/fixtures.ts";
import { TypeUrl } from "../xds/index.ts";

/** A mesh with an EnvoyPatch, whose patches are written as flow YAML. */
const withPatch = (patches: string, fields = "", name = "p"): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: ${name} }
spec:
  ${fields}
  patches:
${patches.replaceAll(/^/gm, "    ")}
`;

const problemsOf = (...documents: string[]): string[] =>
  translated(modelOf(meshText, ...documents))
    .check()
    .map(formatProblem);

const resource = (typeUrl: string, name: string, node: string, ...documents: string[]): JsonObject | undefined => {
  const translation = translated(modelOf(meshText, ...documents));
  assert.deepEqual(translation.check(), []);
  const found = snapshotOf(translation, node).sets.get(typeUrl)?.resources.get(name);
  return found && resourceJson(found);
};

const filters = (listener: unknown): string[] =>
  [...JSON.stringify(listener).matchAll(/"name":"([\w.-]+)","(?:configDiscovery|typedConfig)/g)].map(
    ([, name = ""]) => name,
  );

const buffer = (name: string): string =>
  `value: { name: ${name}, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 9 } }`;

describe("EnvoyPatch", () => {
  it("merges into the clusters of a Service, wherever they are served", () => {
    const patch = withPatch(`- operation: Merge
  target: { type: Cluster, service: prices, direction: Outbound }
  value: { connectTimeout: 3s, per_connection_buffer_limit_bytes: 0 }`);
    const cluster = resource(TypeUrl.cluster, "outbound|prices|9000", "web-1", patch);
    assert.deepEqual([cluster?.["connectTimeout"], cluster?.["perConnectionBufferLimitBytes"]], ["3s", 0]);
    const other = resource(TypeUrl.cluster, "outbound|shop-v2|80", "web-1", patch);
    assert.equal(other?.["connectTimeout"], "5s");
  });

  it("is for the sidecars of its targets only, and shares what they share", () => {
    const patch = withPatch(
      `- operation: Merge
  target: { type: HTTPConnectionManager }
  value: { stream_idle_timeout: 7s }`,
      "targetRefs: [{ name: shop-v1 }]",
    );
    assert.match(JSON.stringify(resource(TypeUrl.listener, "inbound", "shop-v1-1", patch)), /"streamIdleTimeout":"7s"/);
    assert.doesNotMatch(JSON.stringify(resource(TypeUrl.listener, "inbound", "web-1", patch)), /streamIdleTimeout/);
    const translation = translated(modelOf(meshText, patch));
    const [a, b] = [snapshotOf(translation, "shop-v1-1"), snapshotOf(translation, "shop-v1-2")];
    assert.equal(a.sets.get(TypeUrl.cluster), b.sets.get(TypeUrl.cluster));
  });

  it("inserts filters first, last, and beside others, in the order of the patches", () => {
    const insert = (name: string, position: string): string => `- operation: InsertFilter
  target: { type: HTTPConnectionManager, direction: Inbound }
  position: { ${position} }
  ${buffer(name)}`;
    const patches = [
      insert("last", "type: Last"),
      insert("before", "type: Before, filter: shop-authz"),
      insert("after", "type: After, filter: shop-audit"),
      insert("first", "type: First"),
    ].join("\n");
    const listener = resource(
      TypeUrl.listener,
      "inbound",
      "shop-v1-1",
      withPatch(patches, "targetRefs: [{ name: shop-v1 }]"),
    );
    assert.deepEqual(filters(listener).slice(1), [
      ...["first", "shop-audit", "after", "before", "shop-authz", "last", "envoy.filters.http.router"],
    ]);
  });

  it("applies patches by order, then by name", () => {
    const set = (name: string, order: number): string =>
      withPatch(
        `- { operation: Merge, target: { type: Cluster, name: outbound|shop-v2|80 }, value: { alt_stat_name: ${name} } }`,
        `order: ${order}`,
        name,
      );
    const nameOf = (...patches: string[]): unknown =>
      resource(TypeUrl.cluster, "outbound|shop-v2|80", "web-1", ...patches)?.["altStatName"];
    assert.equal(nameOf(set("b", 0), set("a", 0)), "b");
    assert.equal(nameOf(set("b", 0), set("a", 1)), "a");
  });

  it("changes virtual hosts, routes and endpoints, by JSON Patch too", () => {
    const patch = withPatch(`- operation: JSONPatch
  target: { type: VirtualHost, service: shop-v2 }
  jsonPatch: [{ op: add, path: /response_headers_to_add/-, value: { header: { key: x-a, value: b } } }]
- operation: JSONPatch
  target: { type: Route, name: application, service: web }
  jsonPatch: [{ op: add, path: /route/idleTimeout, value: 4s }]
- operation: Merge
  target: { type: Endpoints, service: shop-v2 }
  value: { policy: { overprovisioning_factor: 150 } }`);
    const outbound = resource(TypeUrl.route, "outbound", "web-1", patch);
    const hosts = outbound?.["virtualHosts"] as { name: string; responseHeadersToAdd?: unknown }[];
    assert.deepEqual(
      hosts.filter(({ responseHeadersToAdd }) => responseHeadersToAdd !== undefined).map(({ name }) => name),
      ["shop-v2"],
    );
    assert.match(JSON.stringify(resource(TypeUrl.route, "inbound|web", "web-1", patch)), /"idleTimeout":"4s"/);
    assert.match(JSON.stringify(resource(TypeUrl.endpoint, "outbound|shop-v2|80", "web-1", patch)), /150/);
  });

  it("adds resources", () => {
    const patch = withPatch(`- operation: AddResource
  value: { "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: collector, connectTimeout: 1s, type: STATIC, load_assignment: { cluster_name: collector } }`);
    assert.equal(resource(TypeUrl.cluster, "collector", "shop-v1-1", patch)?.["connectTimeout"], "1s");
  });

  const type = '"@type": type.googleapis.com';
  const faults: [what: string, patches: string, problem: RegExp][] = [
    [
      "an unknown field",
      "- { operation: Merge, target: { type: Cluster }, value: { conect_timeout: 1s } }",
      /^1\.yaml:8:63: spec\.patches\[0\]\.value\.conect_timeout: unknown field of envoy\.config\.cluster\.v3\.Cluster \(did you mean "connect_timeout"\?\)/,
    ],
    [
      "a value of a wrong type",
      "- { operation: Merge, target: { type: Cluster }, value: { health_checks: { a: 1 } } }",
      /^1\.yaml:8:78: .*: expected a list, found object$/,
    ],
    [
      "a value that Envoy's rules refuse, where it is written",
      "- { operation: Merge, target: { type: Cluster, direction: Inbound }, value: { connectTimeout: 0s } }",
      /^1\.yaml:8:99: spec\.patches\[0\]\.value\.connectTimeout: Envoy would refuse Cluster inbound\|.*: expected more than 0s, found 0s$/,
    ],
    [
      "what is missing in a resource that is added",
      `- { operation: AddResource, value: { ${type}/envoy.config.listener.v3.Listener, name: l, address: { socketAddress: { address: 1.1.1.1 } } } }`,
      /spec\.patches\[0\]\.value\.address\.socketAddress: required: one of port_value, named_port$/,
    ],
    [
      "a message type that there is not",
      `- { operation: AddResource, value: { ${type}/envoy.config.cluster.v3.Clusters, name: a } }`,
      /value\["@type"\]: there is no message type .*\(did you mean "envoy\.config\.cluster\.v3\.Cluster"\?\)$/,
    ],
    [
      "a resource that nobody asks for",
      `- { operation: AddResource, value: { ${type}/envoy.config.core.v3.Node, id: a, name: b } }`,
      /unknown field of envoy\.config\.core\.v3\.Node/,
    ],
    [
      "a resource that is there",
      `- { operation: AddResource, value: { ${type}/envoy.config.cluster.v3.Cluster, name: outbound|shop-v2|80 } }`,
      /: sidecars are served the Cluster outbound\|shop-v2\|80 already; change it with Merge or JSONPatch$/,
    ],
    [
      "the name of the control plane's own secret",
      `- { operation: AddResource, value: { ${type}/envoy.extensions.transport_sockets.tls.v3.Secret, name: workload } }`,
      /: the name workload is that of the control plane's own$/,
    ],
    [
      "a target that fits nothing",
      "- { operation: Merge, target: { type: Cluster, name: outbound|shop }, value: { connect_timeout: 1s } }",
      /: spec\.patches\[0\]\.target: fits nothing that its sidecars are served; there are: inbound\|/,
    ],
    [
      "a filter to stand beside that is nowhere",
      `- { operation: InsertFilter, target: { type: HTTPConnectionManager }, position: { type: Before, filter: nobody }, ${buffer("b")} }`,
      /: fits nothing that its sidecars are served/,
    ],
    [
      "a patch that takes a FilterPolicy away",
      "- { operation: Merge, target: { type: HTTPConnectionManager, direction: Inbound }, value: { http_filters: [] } }",
      /: Listener inbound would lose the filter of FilterPolicy /,
    ],
    [
      "a patch that changes what stands in for a filter",
      `- { operation: Merge, target: { type: HTTPFilter, name: shop-authz }, value: { config_discovery: { default_config: { ${type}/envoy.extensions.filters.http.rbac.v3.RBAC, rules: null } } } }`,
      /: Listener inbound would lose the filter of FilterPolicy shop-authz, or have it elsewhere or changed$/,
    ],
    [
      "a filter chain that leads past the filters",
      `- { operation: JSONPatch, target: { type: Listener, name: inbound }, jsonPatch: [{ op: copy, from: /filter_chains/0, path: /filter_chains/1 }, { op: replace, path: /filter_chains/1/filters/0/typed_config/http_filters, value: [] }] }`,
      /: Listener inbound would lose the filter of FilterPolicy /,
    ],
    [
      "a name that is not the resource's",
      "- { operation: Merge, target: { type: Cluster, service: prices }, value: { name: x } }",
      /cannot have another name; add a resource instead$/,
    ],
    [
      "remote Wasm code, whose filter requests would pass by",
      `- { operation: InsertFilter, target: { type: HTTPConnectionManager }, position: { type: First }, value: { name: w, typed_config: { ${type}/envoy.extensions.filters.http.wasm.v3.Wasm, config: { vm_config: { code: { remote: { sha256: a, http_uri: { uri: "http://a/b", cluster: c, timeout: 1s } } } } } } } }`,
      /: requests would pass by a filter while its code is not there; deliver it as a WasmModule with a FilterPolicy$/,
    ],
  ];
  for (const [what, patches, problem] of faults) {
    it(`refuses ${what}`, () => {
      const problems = problemsOf(withPatch(patches));
      assert.match(problems.join("\n"), new RegExp(problem.source, "m"));
    });
  }

  it("says nothing of a target without sidecars", () => {
    const patch = withPatch(
      "- { operation: Merge, target: { type: Cluster, name: nobody }, value: { connect_timeout: 1s } }",
      "targetRefs: [{ name: shop-v2 }]",
    );
    assert.deepEqual(problemsOf(patch), []);
  });

  it("refuses two patches that add a resource of one name to one sidecar", () => {
    const add = `- { operation: AddResource, value: { ${type}/envoy.config.cluster.v3.Cluster, name: c, connect_timeout: 1s } }`;
    const problems = problemsOf(
      withPatch(add, "targetRefs: [{ name: web }]", "a"),
      withPatch(add, "", "b"),
      withPatch(add, "targetRefs: [{ name: shop-v1 }]", "c"),
    );
    assert.match(problems.join("\n"), /^2\.yaml.*: EnvoyPatch a adds the Cluster c already$/m);
    assert.match(problems.join("\n"), /^3\.yaml.*: EnvoyPatch b adds the Cluster c already$/m);
  });
});
