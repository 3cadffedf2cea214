import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModel } from "./load.ts";
import { servedModel } from "./mesh.ts";

const mesh = (spec: string, name = "default"): string =>
  `{ apiVersion: meshwright.dev/v1alpha1, kind: Mesh, metadata: { name: ${name} }, spec: ${spec} }\n`;
const service = (name: string, spec: string): string =>
  `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name} }, spec: ${spec} }\n`;

function faults(...texts: string[]): string[] {
  const result = loadModel(texts.map((text, index) => ({ path: String(index), text })));
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

const open = "{ port: 80, endpoints: [{ address: 10.0.0.1, port: 80 }] }";
const sidecar = (address: string): string =>
  `{ port: 80, endpoints: [{ address: 10.0.0.1, port: 80, sidecar: { node: a, inboundPort: 1, outboundPort: 2, outboundAddress: ${address} } }] }`;

describe("a fault of a Mesh", () => {
  const cases: [what: string, texts: string[], expected: string[]][] = [
    ["none", [mesh("{}")], []],
    [
      "a second one",
      [mesh("{}"), mesh("{}", "other")],
      ["metadata.name: the one Mesh has the name default, found other"],
    ],
    [
      "of what a Service could say",
      [mesh("{ services: { connectTimeout: 0s, outlierDetection: {}, tcpKeepalive: { interval: 1ms } } }")],
      [
        "spec.services.connectTimeout: expected more than 0s, found 0s",
        "spec.services.outlierDetection: expected at least one of consecutive5xx, consecutiveGatewayFailure, consecutiveLocalOriginFailure, successRate, failurePercentage",
        "spec.services.tcpKeepalive.interval: expected whole seconds, 1s to 32767s, found 1ms",
      ],
    ],
    [
      "of what a rule could say",
      [mesh("{ routes: { timeouts: { request: 1s, backendRequest: 2s } } }")],
      ["spec.routes.timeouts.backendRequest: expected at most timeouts.request, 1s, found 2s"],
    ],
    [
      "mTLS for a Service without sidecars that does not say it is not meant",
      [
        mesh("{ services: { mtls: Strict } }"),
        service("s", open),
        service("off", open.replace("80,", "80, mtls: Off,")),
      ],
      ["spec.endpoints[0]: required with mtls Strict of the Mesh (mtls: Off here is for plaintext): sidecar"],
    ],
    [
      "all hosts, to whoever reaches the machine",
      [mesh("{ unknownHosts: Passthrough }"), service("s", sidecar("10.0.0.1"))],
      [
        "spec.endpoints[0].sidecar.outboundAddress: expected a loopback address, since unknownHosts of the Mesh is Passthrough, found 10.0.0.1",
      ],
    ],
    ["all hosts, to the application", [mesh("{ unknownHosts: Passthrough }"), service("s", sidecar('"::1"'))], []],
    [
      "what is no trust domain",
      [mesh("{ trustDomainAliases: [spiffe://old] }")],
      [
        'spec.trustDomainAliases[0]: expected a trust domain: lower-case letters, digits, ".", "_" and "-", found string "spiffe://old"',
      ],
    ],
    [
      "a connection without duration",
      [mesh("{ connections: { maxConnectionDuration: 0s } }")],
      ["spec.connections.maxConnectionDuration: expected more than 0s, found 0s"],
    ],
  ];
  for (const [what, texts, expected] of cases) it(what, () => assert.deepEqual(faults(...texts), expected));
});

describe("Services in a Mesh", () => {
  const specs = (...texts: string[]): unknown => {
    const result = loadModel(texts.map((text, index) => ({ path: String(index), text })));
    assert.ok(result.ok);
    const { connectTimeout, mtls, connectionPool } = servedModel(result.model).services.get("s")?.spec ?? assert.fail();
    return { connectTimeout, mtls, connectionPool };
  };

  it("have what it says, as far as they say nothing", () => {
    const defaults = mesh(
      "{ services: { mtls: Permissive, connectTimeout: 2s, connectionPool: { idleTimeout: 1s } } }",
    );
    assert.deepEqual(specs(defaults, service("s", "{ port: 80 }")), {
      connectTimeout: "2s",
      mtls: "Permissive",
      connectionPool: { idleTimeout: "1s" },
    });
    const own = "{ port: 80, mtls: Off, connectionPool: { maxRequestsPerConnection: 1 } }";
    assert.deepEqual(specs(defaults, service("s", own)), {
      connectTimeout: "2s",
      mtls: "Off",
      connectionPool: { maxRequestsPerConnection: 1 },
    });
  });

  it("have our defaults where there is none", () => {
    const expected = { connectTimeout: "5s", mtls: "Off", connectionPool: undefined };
    assert.deepEqual(specs(service("s", "{ port: 80 }")), expected);
  });
});
