import assert from "node:assert/strict";
import { test } from "node:test";

import { mayChange, mayRemove } from "./order.ts";
import { DeltaScript, SotwScript, Type } from "./testdata/script.ts";

type Name = keyof typeof Type;

test("R22: what waits for what", async (t) => {
  const table: [type: Name, changesAfter: Name[], removalsAfter: Name[]][] = [
    ["CDS", [], ["LDS", "ECDS", "SRDS", "RDS", "VHDS"]],
    ["EDS", [], ["CDS"]],
    ["LDS", ["CDS"], []],
    ["ECDS", ["CDS"], ["LDS"]],
    ["SRDS", ["CDS", "LDS"], ["LDS"]],
    ["RDS", ["CDS", "LDS"], ["LDS", "SRDS"]],
    ["VHDS", ["CDS", "LDS", "RDS"], ["RDS"]],
    ["SDS", [], []],
    ["RTDS", [], []],
  ];
  for (const [type, changesAfter, removalsAfter] of table) {
    await t.test(type, () => {
      const blocking = (ask: (busy: string) => boolean): string[] =>
        (Object.keys(Type) as Name[]).filter((busy) => !ask(Type[busy]));
      const changes = blocking((busy) =>
        mayChange(Type[type], { inFlight: (typeUrl) => typeUrl === busy, synced: () => true }),
      );
      const removals = blocking((busy) =>
        mayRemove(Type[type], { inFlight: () => false, synced: (typeUrl) => typeUrl !== busy }),
      );
      assert.deepEqual(changes.sort(), changesAfter.sort());
      assert.deepEqual(removals.sort(), removalsAfter.sort());
    });
  }
});

const X = { CDS: ["x@1"], EDS: ["x@1"], LDS: ["l@1"], RDS: ["r@1"] };
const Y = { CDS: ["y@1"], EDS: ["y@1"], LDS: ["l@1"], RDS: ["r@2"] };

test("R22: state of the world: clusters, old and new; the route when they are warm; then the old cluster goes", () => {
  const client = new SotwScript().serve(X).ask("CDS").ask("EDS", ["x"]).ask("LDS").ask("RDS", ["r"]);
  assert.deepEqual(client.take(), ["CDS x@1", "EDS x@1", "LDS l@1", "RDS r@1"]);
  client.ack("CDS").ack("EDS").ack("LDS").ack("RDS").serve(Y);
  assert.deepEqual(client.take(), ["CDS x@1 y@1"]);
  assert.deepEqual(client.ask("EDS", ["x", "y"], { nonce: client.nonce("EDS") }).take(), ["EDS y@1"]);
  assert.deepEqual(client.ack("EDS").take(), [], "the route waits for the clusters");
  assert.deepEqual(client.ack("CDS").take(), ["RDS r@2"]);
  assert.deepEqual(client.ack("RDS").take(), ["CDS y@1"]);
  assert.deepEqual(client.ack("CDS").ack("EDS", ["y"]).take(), []);
});

test("R22: incremental: the same", () => {
  const client = new DeltaScript().serve(X).ask("CDS").ask("EDS", ["x"]).ask("LDS").ask("RDS", ["r"]);
  client.take();
  client.ack("CDS").ack("EDS").ack("LDS").ack("RDS").serve(Y);
  assert.deepEqual(client.take(), ["CDS y@1"]);
  assert.deepEqual(client.ask("EDS", ["y"]).take(), ["EDS y@1"]);
  assert.deepEqual(client.ack("EDS").take(), [], "the route waits for the cluster");
  assert.deepEqual(client.ack("CDS").take(), ["RDS r@2"]);
  assert.deepEqual(client.ack("RDS").take(), ["CDS -x"]);
  assert.deepEqual(client.ack("CDS").take(), ["EDS -x"]);
  assert.deepEqual(client.ack("EDS", ["-x"]).take(), []);
});

test("R22: a cluster stays while a rejected route still names it", () => {
  for (const client of [new SotwScript(), new DeltaScript()]) {
    client
      .serve({ CDS: ["x@1"], RDS: ["r@1"] })
      .ask("CDS")
      .ask("RDS", ["r"])
      .take();
    client
      .ack("CDS")
      .ack("RDS")
      .serve({ CDS: ["y@1"], RDS: ["r@2"] })
      .take();
    client.ack("CDS").take();
    assert.deepEqual(client.nack("RDS").take(), []);
    assert.ok(client.states("CDS").includes("x pending"));
    assert.deepEqual(client.serve({ CDS: ["x@1", "y@1"], RDS: ["r@1"] }).take(), []);
    assert.deepEqual(client.states("CDS"), ["x synced", "y synced"]);
  }
});

test("R22: without a route to wait for, a cluster goes at once", () => {
  const client = new DeltaScript().serve({ CDS: ["x@1", "y@1"] }).ask("CDS");
  client.take();
  assert.deepEqual(
    client
      .ack("CDS")
      .serve({ CDS: ["y@1"] })
      .take(),
    ["CDS -x"],
  );
});

test("R4, R22: clusters that are not acknowledged hold a route up, but not for ever; rejected ones do not", () => {
  const start = (): SotwScript => {
    const client = new SotwScript()
      .serve({ CDS: ["x@1"], RDS: ["r@1"] })
      .ask("CDS")
      .ask("RDS", ["r"]);
    client.take();
    client
      .ack("CDS")
      .ack("RDS")
      .serve({ CDS: ["x@2"], RDS: ["r@2"] });
    assert.deepEqual(client.take(), ["CDS x@2"]);
    return client;
  };
  const silent = start();
  assert.equal(silent.wakeAt, silent.now + 15_000);
  silent.now += 15_000;
  assert.deepEqual(silent.take(), ["RDS r@2"]);
  assert.deepEqual(start().nack("CDS").take(), ["RDS r@2"]);
});

test("R17, R22, R24: on a resumed stream, removals wait until the client had time to ask for its other types", () => {
  const client = new DeltaScript().serve({ CDS: ["y@1"], RDS: ["r@2"] }).ask("CDS", ["x=1", "y=1"]);
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.ask("RDS", ["r", "r=1"]).take(), ["RDS r@2"]);
  assert.deepEqual(client.ack("RDS").take(), []);
  assert.equal(client.wakeAt, client.now + 1_000);
  client.now += 1_000;
  assert.deepEqual(client.take(), ["CDS -x"]);
});

test("R23: a cluster that changes is followed by its endpoints, though they did not", () => {
  const served = { CDS: ["x@1", "y@1"], EDS: ["x@1", "y@1"] };
  const changed = { CDS: ["x@2", "y@1"], EDS: ["x@1", "y@1"] };
  const sotw = new SotwScript().serve(served).ask("CDS").ask("EDS", ["x", "y"]);
  sotw.take();
  assert.deepEqual(sotw.ack("CDS").ack("EDS").serve(changed).take(), ["CDS x@2 y@1", "EDS x@1"]);
  assert.deepEqual(sotw.ack("CDS").ack("EDS").take(), []);
  const delta = new DeltaScript().serve(served).ask("CDS").ask("EDS", ["x", "y"]);
  delta.take();
  assert.deepEqual(delta.ack("CDS").ack("EDS").serve(changed).take(), ["CDS x@2", "EDS x@1"]);
  assert.deepEqual(delta.ack("CDS").ack("EDS").take(), []);
});

test("R23: also when the client reconnects, up to date with its endpoints and not with its cluster", () => {
  const served = { CDS: ["x@2"], EDS: ["x@1"] };
  const delta = new DeltaScript().serve(served).ask("CDS", ["x=1"]);
  assert.deepEqual(delta.take(), ["CDS x@2"]);
  assert.deepEqual(delta.ask("EDS", ["x", "x=1"]).take(), ["EDS x@1"]);
  const sotw = new SotwScript().serve(served).ask("EDS", ["x"]);
  sotw.take();
  const version = sotw.version("EDS");
  const again = new SotwScript().serve(served).ask("EDS", ["x"], { version });
  assert.deepEqual(again.take(), []);
  assert.deepEqual(again.ask("CDS", [], { version: "old" }).take(), ["CDS x@2", "EDS x@1"]);
});
