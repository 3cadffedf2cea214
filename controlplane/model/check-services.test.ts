import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildModel, loadModel, ParsedFiles, parseResources } from "./load.ts";

/** The faults of a Service with these fields of `spec`, without their places, which load.test.ts looks at. */
function faults(...fields: string[]): string[] {
  const head = "apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: s }\nspec:\n  port: 80\n";
  const result = loadModel([{ path: "s", text: `${head}${fields.map((field) => `  ${field}\n`).join("")}` }]);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("a fault in the policies of a Service", () => {
  const cases: [what: string, fields: string[], expected: string[]][] = [
    ["none", [], []],
    [
      "a hash of nothing, and a hash for a policy without",
      ["loadBalancing: { policy: Maglev, choiceCount: 3 }"],
      [
        "spec.loadBalancing.hashPolicies: required with the policy Maglev",
        "spec.loadBalancing.choiceCount: only with the policy LeastRequest, found Maglev",
      ],
    ],
    [
      "what hashes only",
      ["loadBalancing: { hashPolicies: [{ type: SourceIP }], slowStart: { window: 0s } }"],
      [
        "spec.loadBalancing.hashPolicies: only with the policy RingHash or Maglev, found RoundRobin",
        "spec.loadBalancing.slowStart.window: expected more than 0s, found 0s",
      ],
    ],
    [
      "parts of a hash that are not its type's",
      [
        "loadBalancing: { policy: Maglev, hashPolicies: [{ type: SourceIP, name: x }, { type: Header }, { type: Header, name: 'a b', ttl: 1s }] }",
      ],
      [
        "spec.loadBalancing.hashPolicies[0].name: not with type SourceIP",
        "spec.loadBalancing.hashPolicies[1].name: required field is missing",
        'spec.loadBalancing.hashPolicies[2].name: expected the name of a header or cookie, found string "a b"',
        "spec.loadBalancing.hashPolicies[2].ttl: only with type Cookie",
      ],
    ],
    [
      "a table that Maglev cannot fill",
      ["loadBalancing: { policy: Maglev, tableSize: 65536, hashPolicies: [{ type: SourceIP }] }"],
      ["spec.loadBalancing.tableSize: expected a prime number, such as 65537, found 65536"],
    ],
    [
      "a ring that is less than itself",
      ["loadBalancing: { policy: RingHash, maximumRingSize: 100, hashPolicies: [{ type: SourceIP }] }"],
      ["spec.loadBalancing.minimumRingSize: expected at most maximumRingSize, 100, found 1024"],
    ],
    [
      "a locality with two weights",
      ["loadBalancing: { localityWeights: [{ region: a, weight: 1 }, { region: a, weight: 2 }] }"],
      ["spec.loadBalancing.localityWeights[1]: the locality a is there twice (see item 0)"],
    ],
    [
      "two limits for retries",
      ["circuitBreakers: { maxRetries: 3, retryBudget: {} }"],
      ["spec.circuitBreakers.maxRetries: not with retryBudget"],
    ],
    [
      "a detection of nothing",
      ["outlierDetection: { baseEjectionTime: 10m, maxEjectionTime: 5m }"],
      [
        "spec.outlierDetection: expected at least one of consecutive5xx, consecutiveGatewayFailure, consecutiveLocalOriginFailure, successRate, failurePercentage",
        "spec.outlierDetection.maxEjectionTime: expected at least baseEjectionTime, 10m, found 5m",
      ],
    ],
    ["a check of nothing", ["healthCheck: { type: HTTP }"], ["spec.healthCheck.path: required field is missing"]],
    [
      "the path and the host of a connection",
      ["healthCheck: { type: TCP, path: /, host: h }"],
      ["spec.healthCheck.path: only with type HTTP", "spec.healthCheck.host: not with type TCP"],
    ],
    [
      "a gRPC check of HTTP/1.1",
      ["healthCheck: { type: GRPC, interval: 0s }"],
      [
        "spec.healthCheck.type: GRPC needs the protocol HTTP2",
        "spec.healthCheck.interval: expected more than 0s, found 0s",
      ],
    ],
    ["HTTP/2 that is not spoken", ["http2: { maxConcurrentStreams: 10 }"], ["spec.http2: needs the protocol HTTP2"]],
    [
      "less than the kernel counts in, and more than it can",
      ["tcpKeepalive: { idleTime: 1500ms, interval: 10h }"],
      [
        "spec.tcpKeepalive.idleTime: expected whole seconds, 1s to 32767s, found 1500ms",
        "spec.tcpKeepalive.interval: expected whole seconds, 1s to 32767s, found 10h",
      ],
    ],
    [
      "names to look up where there are none",
      ["dns: {}", "endpoints: [{ address: 10.0.0.1, port: 80 }]"],
      ["spec.dns: no endpoint's address is a host name"],
    ],
    [
      "an endpoint that is there twice",
      ["endpoints: [{ address: 10.0.0.1, port: 80 }, { address: 10.0.0.1, port: 80 }]"],
      ["spec.endpoints[1]: the endpoint 10.0.0.1:80 is there twice (see item 0)"],
    ],
    ["a host name", ["endpoints: [{ address: db.example.com, port: 80 }]"], []],
    [
      "a host name with a typing error in it, and one of a sidecar",
      [
        "endpoints:",
        "  - { address: 10.0.0.300, port: 80 }",
        "  - { address: a_b..c, port: 80 }",
        "  - { address: db.example.com, port: 80, sidecar: { node: n, inboundPort: 1 } }",
      ],
      [
        'spec.endpoints[0].address: expected an IPv4 or IPv6 address, or a host name, found "10.0.0.300"',
        'spec.endpoints[1].address: expected an IPv4 or IPv6 address, or a host name, found "a_b..c"',
        'spec.endpoints[2].address: expected an IPv4 or IPv6 address, found "db.example.com"',
      ],
    ],
  ];
  for (const [what, fields, expected] of cases) it(what, () => assert.deepEqual(faults(...fields), expected));
});

it("mutual TLS needs a sidecar at each endpoint", () => {
  const text = (mtls: string): string => `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  mtls: ${mtls}
  endpoints:
    - { address: 10.0.0.1, port: 80, sidecar: { node: web-1, inboundPort: 15006 } }
    - { address: 10.0.0.2, port: 80 }
`;
  assert.ok(loadModel([{ path: "web.yaml", text: text("Off") }]).ok);
  for (const mtls of ["Permissive", "Strict"]) {
    const result = loadModel([{ path: "web.yaml", text: text(mtls) }]);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ message }) => message),
      [`required with mtls ${mtls}: sidecar`],
    );
  }
});

it("what Services may have once is told apart again whenever one of them changes", () => {
  const known = new ParsedFiles();
  const file = (name: string, ...endpoints: string[]): { path: string; text: string } => ({
    path: name,
    text: `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name} }\nspec: { port: 80, endpoints: [${endpoints.join(", ")}] }\n`,
  });
  const faultsOf = (...files: { path: string; text: string }[]): string[] => {
    const result = buildModel(parseResources(files, known));
    return result.ok ? [] : result.problems.map(({ file, message }) => `${file}: ${message}`);
  };
  const bare = "{ address: 10.0.0.9, port: 80 }";
  const sidecar = (host: number, node: string): string =>
    `{ address: 10.0.0.${host}, port: 80, sidecar: { node: ${node}, inboundPort: 81 } }`;
  const [a, b] = [file("a", sidecar(1, "n1"), bare), file("b", sidecar(2, "n2"), bare)];
  assert.deepEqual(faultsOf(a, b), []);
  const [sameNode, sameSocket, onBare] = [sidecar(3, "n1"), sidecar(2, "n3"), sidecar(9, "n4")];
  for (let time = 0; time < 2; ++time) {
    assert.deepEqual(faultsOf(a, b, file("c", sameNode)), [
      "c: the node n1 is that of Service a endpoints[0] already (a:4)",
    ]);
    assert.deepEqual(faultsOf(a, b, file("c", sameSocket)), [
      "c: the listening address 10.0.0.2:80 is that of Service b endpoints[0].port already (b:4)",
      "c: the listening address 10.0.0.2:81 is that of Service b endpoints[0].sidecar.inboundPort already (b:4)",
    ]);
    assert.match(
      faultsOf(a, b, file("c", onBare))[0] ?? "",
      /10\.0\.0\.9:80 is that of an application without sidecar/,
    );
    assert.deepEqual(faultsOf(a, b, file("c", bare)), []);
  }
  // One with a fault of its own hides none between others.
  assert.deepEqual(faultsOf(file("bad", "{ address: 0.0.0.0, port: 80 }"), a, file("c", sameNode)), [
    "bad: expected the address of one interface, found 0.0.0.0",
    "c: the node n1 is that of Service a endpoints[0] already (a:4)",
  ]);
});
