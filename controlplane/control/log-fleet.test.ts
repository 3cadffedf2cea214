import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";

import { Fleet } from "../fleet/index.ts";
import { logFleet } from "./log-fleet.ts";

test("who connects is told: a sidecar of a Service, or a gRPC client that has none", () => {
  const lines: string[] = [];
  const fleet = new Fleet();
  logFleet(fleet, pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }));
  const connect = (id: string, cluster: string, userAgentName: string): void => {
    const locality = { region: "", zone: "", subZone: "" };
    const node = { id, cluster, metadata: {}, locality, userAgentName, userAgentVersion: "1.2.3", features: [] };
    fleet.connected({ node, protocol: "sotw", peer: "127.0.0.1", status: () => [] });
  };
  connect("web-1", "web", "envoy");
  connect("shop-client", "", "gRPC Node Pure JS");
  assert.deepEqual(lines, [
    "web-1, a sidecar of web, connected (envoy 1.2.3)",
    "shop-client, a gRPC client without a sidecar, connected (gRPC Node Pure JS 1.2.3)",
  ]);
});
