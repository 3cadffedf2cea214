import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadModel } from "./load.ts";
import { formatProblem } from "./problem.ts";

const around = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 80, sidecar: { node: n, inboundPort: 1 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: authz }
spec: { file: authz.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: authz }
spec: { targetRefs: [{ name: shop }], module: authz }
`;

const rollout = (spec: string, name = "a"): string =>
  `apiVersion: meshwright.dev/v1alpha1\nkind: Rollout\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

function faults(...rollouts: string[]): string[] {
  const result = loadModel([{ path: "r.yaml", text: [around, ...rollouts].join("---\n") }]);
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace(/^r\.yaml:\d+:\d+: /, ""));
}

const targets = "targetRefs: [{ kind: FilterPolicy, name: authz }]";

describe("a Rollout", () => {
  it("needs its targets only, and has four waves then", () => {
    const result = loadModel([{ path: "r.yaml", text: [around, rollout(`{ ${targets} }`)].join("---\n") }]);
    assert.ok(result.ok);
    const { spec } = result.model.rollouts.get("a")!;
    assert.deepEqual(
      spec.waves.map(({ percentage, bake, approval }) => [percentage, bake, approval]),
      [1, 10, 50, 100].map((percentage) => [percentage, "2m", "None"]),
    );
    assert.deepEqual(spec.spread, { by: ["Service"], maxPercentage: 50 });
    assert.deepEqual(spec.waveTimeout, { after: "1h", action: "Pause" });
    assert.deepEqual(
      spec.analysis.checks.map(({ metric, tolerated, minRate }) => [metric, tolerated, minRate]),
      [
        ["Errors", 1.5, 0.001],
        ["Slow", 2, 0.001],
        ["Denials", 2, 0.001],
      ],
    );
  });

  for (const [what, spec, fault] of [
    [
      "a target that does not exist",
      "{ targetRefs: [{ kind: FilterPolicy, name: auth }] }",
      'spec.targetRefs[0].name: there is no FilterPolicy "auth" (did you mean "authz"?); known: authz',
    ],
    [
      "a Service that does not exist",
      "{ targetRefs: [{ kind: Service, name: shop }, { kind: Service, name: ship }] }",
      'spec.targetRefs[1].name: there is no Service "ship" (did you mean "shop"?); known: shop',
    ],
    [
      "a target of another kind",
      "{ targetRefs: [{ kind: Certificate, name: shop }] }",
      'spec.targetRefs[0].kind: expected one of "FilterPolicy", "HTTPRoute", "GRPCRoute", "Service", "EnvoyPatch", "Telemetry", "Mesh", found string "Certificate"',
    ],
    [
      "a target that is there twice",
      "{ targetRefs: [{ kind: FilterPolicy, name: authz }, { kind: FilterPolicy, name: authz }] }",
      "spec.targetRefs[1]: the target FilterPolicy authz is there twice (see item 0)",
    ],
    [
      "a last wave that is not all",
      `{ ${targets}, waves: [{ percentage: 50 }] }`,
      "spec.waves[0]: the last wave must be all sidecars: 100 % without selector and nodes",
    ],
    [
      "a last wave of some",
      `{ ${targets}, waves: [{ selector: { regions: [eu] } }] }`,
      "spec.waves[0]: the last wave must be all sidecars: 100 % without selector and nodes",
    ],
    [
      "a bake that the timeout would cut off",
      `{ ${targets}, waves: [{ bake: 2h }] }`,
      "spec.waves[0].bake: expected less than the waveTimeout, 1h, found 2h",
    ],
    [
      "a time zone that nobody knows",
      `{ ${targets}, windows: [{ from: "09:00", to: "17:00", timeZone: Berlin }] }`,
      'spec.windows[0].timeZone: unknown time zone "Berlin"; expected a name of the IANA database, such as Europe/Berlin',
    ],
    [
      "a statistic without its name",
      `{ ${targets}, analysis: { checks: [{ metric: Statistic }] } }`,
      "spec.analysis.checks[0].statistic: required where metric is Statistic",
    ],
    [
      "the name of a statistic elsewhere",
      `{ ${targets}, analysis: { checks: [{ metric: Errors, statistic: x }] } }`,
      "spec.analysis.checks[0].statistic: only allowed where metric is Statistic, found Errors",
    ],
  ] as const) {
    it(`cannot have ${what}`, () => assert.deepEqual(faults(rollout(spec)), [fault]));
  }

  it("shares no target with another", () => {
    assert.deepEqual(faults(rollout(`{ ${targets} }`), rollout(`{ ${targets} }`, "b")), [
      "spec.targetRefs[0].name: the target FilterPolicy authz is that of Rollout a already (r.yaml:19)",
    ]);
  });
});
