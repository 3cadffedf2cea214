import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModel, parseResources } from "./load.ts";

const certificate = (name: string, spec: string): string =>
  `{ apiVersion: meshwright.dev/v1alpha1, kind: Certificate, metadata: { name: ${name} }, spec: ${spec} }\n`;
const service = (spec: string, endpoint: string): string =>
  `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: s }, spec: { port: 80, endpoints: [${endpoint}], ${spec} } }\n`;
const pair = certificate("pair", "{ certFile: c.pem, keyFile: c.key }");
const authorities = certificate("ca", "{ caFile: ca.pem }");
const beside = "{ address: 10.0.0.1, port: 80, sidecar: { node: a, inboundPort: 1 } }";
const bare = "{ address: db.example, port: 443 }";

function faults(...texts: string[]): string[] {
  const result = loadModel(texts.map((text, index) => ({ path: String(index), text })));
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("a fault of a Certificate, or of what names it", () => {
  const cases: [what: string, texts: string[], expected: string[]][] = [
    ["none", [pair, authorities, service("inboundTls: { certificate: pair }", beside)], []],
    [
      "none of clients that show a certificate",
      [pair, authorities, service("mtls: Strict, inboundTls: { certificate: pair, trust: ca }", beside)],
      [],
    ],
    [
      "no authorities, and a way around a certificate",
      [pair, service("mtls: Permissive, inboundTls: { certificate: pair, trust: pair }", beside)],
      [
        "spec.inboundTls.trust: needs mtls: Strict, found Permissive: plaintext is taken",
        "spec.inboundTls.trust: Certificate pair has no caFile",
      ],
    ],
    [
      "none of endpoints",
      [pair, authorities, service("endpointTls: { hostname: db.example, trust: ca, certificate: pair }", bare)],
      [],
    ],
    [
      "half a pair",
      [certificate("half", "{ certFile: c.pem }")],
      ["spec.keyFile: required field is missing (needed with certFile); expected string"],
    ],
    [
      "one that is not there, and what has no pair",
      [authorities, service("inboundTls: { certificate: cb }", beside)],
      ['spec.inboundTls.certificate: there is no Certificate "cb"; known: ca'],
    ],
    [
      "what it is not for",
      [pair, authorities, service("endpointTls: { hostname: db.example, trust: pair, certificate: ca }", bare)],
      [
        "spec.endpointTls.trust: Certificate pair has no caFile",
        "spec.endpointTls.certificate: Certificate ca has no certFile",
      ],
    ],
    [
      "no sidecar to speak TLS",
      [pair, service("inboundTls: { certificate: pair }", bare)],
      ["spec.endpoints[0]: required with inboundTls: sidecar"],
    ],
    [
      "a sidecar in place of an endpoint that speaks TLS itself",
      [authorities, service("endpointTls: { hostname: db.example, trust: ca }", beside)],
      ["spec.endpoints[0].sidecar: not with endpointTls, which is for endpoints without sidecar"],
    ],
  ];
  for (const [what, texts, expected] of cases) it(what, () => assert.deepEqual(faults(...texts), expected));

  it("to be sent without the folder of serve", () => {
    const files = [{ path: "sent.yaml", text: pair, assets: { "c.pem": "applied:x", "c.key": "applied:y" } }];
    const result = loadModel(files);
    assert.match(
      result.ok ? "" : (result.problems[0]?.message ?? ""),
      /written in the folder of serve or in a cluster/,
    );
    // Nor are the files of this machine looked at.
    assert.deepEqual(parseResources(files).references, []);
  });
});
