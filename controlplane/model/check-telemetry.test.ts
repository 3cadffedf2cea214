import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModel } from "./load.ts";
import { formatProblem } from "./problem.ts";

const services = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 8080, sidecar: { node: web-1, inboundPort: 15006 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: collector }
spec: { port: 4317, protocol: HTTP2 }
`;

const telemetry = (spec: string, name = "t"): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: Telemetry
metadata: { name: ${name} }
spec: ${spec}
`;

const problemsOf = (...specs: string[]): string[] => {
  const texts = [services, ...specs.map((spec, index) => telemetry(spec, `t${index}`))];
  const result = loadModel(texts.map((text, index) => ({ path: `${index}`, text })));
  return result.ok ? [] : result.problems.map(formatProblem);
};

describe("a Telemetry", () => {
  it("is taken", () => {
    const spec = "{ accessLogs: [{ type: OTLP, collector: { name: collector } }], prometheus: { port: 15020 } }";
    assert.deepEqual(problemsOf(spec, "{ targetRefs: [{ name: web }], accessLogs: [] }"), []);
  });

  const faults: [what: string, specs: string[], problem: string][] = [
    [
      "a collector that does not speak HTTP/2",
      ["{ tracing: { collector: { name: web } } }"],
      "1:5:39: spec.tracing.collector.name: OTLP needs the protocol HTTP2; Service web has HTTP",
    ],
    [
      "a collector that there is not",
      ["{ accessLogs: [{ type: OTLP, collector: { name: colector } }] }"],
      '1:5:55: spec.accessLogs[0].collector.name: there is no Service "colector" (did you mean "collector"?); known: collector, web',
    ],
    [
      "fields of another type",
      ["{ accessLogs: [{ type: File, body: x }] }"],
      "1:5:36: spec.accessLogs[0].body: only with type OTLP",
    ],
    [
      "a second one for all sidecars",
      ["{ accessLogs: [] }", "{ accessLogs: [] }"],
      "2:4:19: metadata.name: the Telemetry of all sidecars is that of Telemetry t0 already (1:4)",
    ],
    [
      "a port that a sidecar has already",
      ["{ prometheus: { port: 15006 } }"],
      "1:5:29: spec.prometheus.port: the port 15006 is one of Service web endpoints[0] already",
    ],
    [
      "two tags of one name",
      [
        "{ tracing: { collector: { name: collector }, customTags: [{ name: a, type: Literal, value: b }, { name: a, type: Literal, value: c }] } }",
      ],
      "1:5:111: spec.tracing.customTags[1].name: the tag a is there twice (see item 0)",
    ],
  ];
  for (const [what, specs, problem] of faults) {
    it(`refuses ${what}`, () => assert.deepEqual(problemsOf(...specs), [problem]));
  }
});
