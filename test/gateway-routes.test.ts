import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startGatewayMesh } from "./gateway/mesh.ts";
import type { GatewayMesh } from "./gateway/mesh.ts";
import { suites } from "./gateway/suites.ts";
import { check, resourcesOf, title } from "./gateway/suite.ts";

// What the conformance suite of the Gateway API asks of HTTPRoutes and GRPCRoutes, as far as it needs no cluster: its
// requests, and what has to become of them, against one real Envoy.
describe("the Gateway API in a real Envoy", () => {
  let mesh: GatewayMesh | undefined;
  before(async () => {
    mesh = await startGatewayMesh(() => suites.map(resourcesOf));
  });
  after(() => mesh?.stop());

  for (const suite of suites) {
    describe(suite.conformance.join(", "), () => {
      for (const test of suite.cases) it(title(test), () => check(suite, test, mesh?.port ?? 0));
    });
  }

  it("is accepted without a complaint", async () => {
    const { state, rejections } = await (mesh as GatewayMesh).mesh.sidecar("web-1");
    assert.deepEqual([state, rejections], ["ready", []]);
  });
});
