import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TypeUrl } from "../xds/index.ts";
import { whyNoFilters } from "./filter-support.ts";
import { meshText, modelOf, resourceJson, translated } from "./testdata/fixtures.ts";

describe("a sidecar that can run no filters", () => {
  it("is one without Wasm, and an Envoy that is too old", () => {
    const envoy = (userAgentVersion: string): string | undefined =>
      whyNoFilters({ userAgentName: "envoy", userAgentVersion, hasWasm: true });
    assert.equal(whyNoFilters({ hasWasm: false }), "this Envoy was built without Wasm");
    assert.equal(envoy("1.36.4"), "Envoy 1.36.4 is older than 1.37");
    for (const version of ["1.37.0", "1.40.0-dev", "2.0.0", ""]) assert.equal(envoy(version), undefined, version);
    // Of another proxy the version says nothing.
    assert.equal(whyNoFilters({ userAgentName: "other", userAgentVersion: "1.0.0" }), undefined);
    assert.equal(whyNoFilters({}), undefined);
  });

  it("has a native filter in place of each: one that refuses, or where the policy fails open, one that lets pass", () => {
    const translation = translated(modelOf(meshText));
    const snapshotFor = (hasWasm: boolean): ReadonlyMap<string, unknown> => {
      const { snapshot } = translation.snapshotFor({ id: "shop-v1-1", cluster: "shop-v1", hasWasm });
      assert.ok(snapshot);
      const all = [...snapshot.sets.values()].flatMap(({ resources }) => [...resources.values()]);
      return new Map(all.map((resource) => [`${resource.typeUrl} ${resource.name}`, resourceJson(resource)]));
    };
    const without = snapshotFor(false);
    assert.ok(!JSON.stringify([...without]).includes("wasm"));
    assert.ok(![...without.keys()].some((key) => key.startsWith(TypeUrl.extensionConfig)));
    const listener = JSON.stringify(without.get(`${TypeUrl.listener} inbound`));
    assert.match(listener, /"name":"shop-authz","typedConfig":\{"rules":\{"action":"DENY".+?RBAC"\}/);
    assert.match(listener, /"name":"shop-audit","typedConfig":\{"@type":"[^"]+RBAC"\}/);
    // It may come back as another Envoy.
    assert.match(JSON.stringify(snapshotFor(true).get(`${TypeUrl.listener} inbound`)), /configDiscovery/);
  });
});
