import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { Connection, NodeInfo, Protocol, TypeStatus } from "../xds/index.ts";
import { Fleet, type NodeOutcome } from "./index.ts";

let now = 0;
let fleet: Fleet;
let events: string[];

beforeEach(() => {
  now = 1_000;
  fleet = new Fleet({ retentionMs: 100, maxGone: 2, now: () => now });
  events = [];
  fleet.on("connected", ({ id }) => events.push(`connected ${id}`));
  fleet.on("disconnected", ({ id }) => events.push(`disconnected ${id}`));
});

function node(id: string): NodeInfo {
  const locality = { region: "", zone: "", subZone: "" };
  return { id, cluster: "", metadata: {}, locality, userAgentName: "", userAgentVersion: "", features: [] };
}

function connection(id: string, protocol: Protocol = "sotw", types: readonly TypeStatus[] = []): Connection {
  return { node: node(id), protocol, peer: "127.0.0.1:1", status: () => types };
}

function type(typeUrl: string, version: string, requested: boolean): TypeStatus {
  return { typeUrl, version, requested, ackedAt: null, resources: [] };
}

test("a node is connected from its first stream to its last", () => {
  const first = fleet.connected(connection("a"));
  now += 5;
  const second = fleet.connected(connection("a", "delta"));
  assert.deepEqual(events, ["connected a"]);
  assert.equal(fleet.node("a")?.protocol, "delta");
  assert.equal(fleet.node("a")?.since, 1_005);
  now += 5;
  first.seen();
  assert.equal(fleet.node("a")?.lastSeen, 1_010);
  second.disconnected();
  assert.equal(fleet.node("a")?.protocol, "sotw");
  first.disconnected();
  assert.deepEqual(events, ["connected a", "disconnected a"]);
  assert.equal(fleet.node("a")?.connected, false);
  assert.deepEqual(fleet.connectedNodes(), []);
});

test("each type is shown as the latest stream that asked for it has it", () => {
  fleet.connected(connection("a", "sotw", [type("x", "1", true), type("y", "1", false)]));
  fleet.connected(connection("a", "sotw", [type("x", "2", false), type("y", "2", true)]));
  assert.deepEqual(
    fleet.node("a")?.types.map(({ typeUrl, version }) => `${typeUrl}@${version}`),
    ["x@1", "y@2"],
  );
});

test("where a node stood is remembered when it goes", () => {
  const types = [type("x", "1", true)];
  fleet.connected(connection("a", "sotw", types)).disconnected();
  assert.deepEqual(fleet.node("a")?.types, types);
  assert.deepEqual(JSON.parse(JSON.stringify(fleet.nodes())), fleet.nodes(), "plain data");
});

test("nodes that are gone are forgotten in time, and in number; what they know with them", () => {
  for (const id of ["a", "b", "c"]) fleet.connected(connection(id)).disconnected();
  assert.deepEqual(
    fleet.nodes().map((view) => view.node.id),
    ["b", "c"],
  );
  const memory = fleet.memory("b");
  fleet.connected(connection("b"));
  assert.equal(fleet.memory("b"), memory);
  now += 101;
  assert.deepEqual(
    fleet.nodes().map((view) => view.node.id),
    ["b"],
  );
});

test("answers are events, with node and time", () => {
  const seen: NodeOutcome[] = [];
  for (const kind of ["acked", "rejected", "prewarming"] as const) fleet.on(kind, (outcome) => seen.push(outcome));
  const observer = fleet.connected(connection("a"));
  const resources = [{ name: "r", version: "1" }];
  observer.answered({ kind: "acked", typeUrl: "x", resources, sentAt: 900 });
  observer.answered({ kind: "rejected", typeUrl: "x", resources, sentAt: 900, message: "no" });
  assert.deepEqual(seen, [
    { kind: "acked", typeUrl: "x", resources, sentAt: 900, nodeId: "a", time: 1_000 },
    { kind: "rejected", typeUrl: "x", resources, sentAt: 900, message: "no", nodeId: "a", time: 1_000 },
  ]);
});
