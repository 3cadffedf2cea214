import assert from "node:assert/strict";
import { test } from "node:test";

import { clientSupport } from "./client-support.ts";
import type { NodeInfo } from "./index.ts";

const TTL = "xds.config.supports-resource-ttl";

function client(userAgentName: string, ...features: string[]): NodeInfo {
  const locality = { region: "", zone: "", subZone: "" };
  return { id: "n", cluster: "c", metadata: {}, locality, userAgentName, userAgentVersion: "", features };
}

for (const [who, node, delta, sotw] of [
  ["one that says nothing", client("other"), false, false],
  ["one that says it knows of times to live", client("other", TTL), true, false],
  ["one that unwraps resources too", client("other", TTL, "xds.config.resource-in-sotw"), true, true],
  ["the same under its other name", client("other", TTL, "xds.config.supports-resource-in-sotw"), true, true],
  ["one that only unwraps them", client("other", "xds.config.resource-in-sotw"), false, false],
  ["Envoy, which says nothing", client("envoy"), true, false],
] as const) {
  test(`R25: times to live are for clients that know of them: ${who}`, () => {
    assert.deepEqual([clientSupport("delta", node), clientSupport("sotw", node)], [{ ttl: delta }, { ttl: sotw }]);
  });
}
