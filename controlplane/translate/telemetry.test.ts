import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TypeUrl } from "../xds/index.ts";
import { meshModules, meshText, modelOf, resourceJson, snapshotOf, translated } from "./testdata/fixtures.ts";

const telemetry = (name: string, spec: string): string => `apiVersion: meshwright.dev/v1alpha1
kind: Telemetry
metadata: { name: ${name} }
spec: ${spec}
`;
const collector = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: collector }
spec:
  port: 4317
  protocol: HTTP2
  endpoints: [{ address: 10.0.9.9, port: 4317, sidecar: { node: collector-1, inboundPort: 15006 } }]
`;
const inbound = (node: string, ...documents: string[]): string => {
  const snapshot = snapshotOf(translated(modelOf(meshText, collector, ...documents)), node);
  const listener = snapshot.sets.get(TypeUrl.listener)?.resources.get("inbound");
  assert.ok(listener);
  return JSON.stringify(resourceJson(listener));
};

describe("Telemetry", () => {
  const all = telemetry(
    "all",
    "{ accessLogs: [{ type: OTLP, collector: { name: collector } }], tracing: { collector: { name: collector } } }",
  );

  it("of a Service replaces that of all, part by part", () => {
    const own = telemetry("own", "{ targetRefs: [{ name: shop-v1 }], accessLogs: [] }");
    assert.match(inbound("shop-v1-1", all), /open_telemetry/);
    const made = inbound("shop-v1-1", all, own);
    assert.doesNotMatch(made, /access_loggers/);
    assert.match(made, /envoy\.tracers\.opentelemetry/);
  });

  it("is not sent by a collector to itself", () => {
    assert.doesNotMatch(inbound("collector-1", all), /open_telemetry|opentelemetry/);
  });

  it("gives a sidecar without outbound listener the cluster of its collector, and no other", () => {
    const snapshot = snapshotOf(translated(modelOf(meshText, collector, all)), "shop-v1-1");
    const names = (typeUrl: string): string[] => [...(snapshot.sets.get(typeUrl)?.resources.keys() ?? [])];
    assert.deepEqual(names(TypeUrl.cluster), ["inbound|shop-v1|80", "outbound|collector|4317"]);
    assert.deepEqual(names(TypeUrl.endpoint), ["outbound|collector|4317"]);
  });

  it("reaches the listeners when it changes, also where the translation before is taken over", () => {
    const tag = (value: string): string =>
      telemetry(
        "all",
        `{ tracing: { collector: { name: collector }, customTags: [{ name: a, type: Literal, value: ${value} }] } }`,
      );
    const before = modelOf(meshText, collector, tag("one"));
    const first = translated(before);
    snapshotOf(first, "shop-v1-1");
    const model = { ...before, telemetries: modelOf(meshText, collector, tag("two")).telemetries };
    const after = snapshotOf(translated(model, meshModules, first), "shop-v1-1");
    for (const [typeUrl, set] of snapshotOf(translated(model), "shop-v1-1").sets)
      assert.equal(after.sets.get(typeUrl)?.version, set.version);
    assert.notEqual(inbound("shop-v1-1", tag("one")), inbound("shop-v1-1", tag("two")));
  });
});
