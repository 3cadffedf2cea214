import assert from "node:assert/strict";
import { test } from "node:test";

import { changesAfter, removalsAfter } from "./order.ts";
import { DeltaScript, shortName, SotwScript, Type } from "./testdata/script.ts";

type Name = keyof typeof Type;

test("R22: what waits for what", async (t) => {
  const table: [type: Name, changes: Name[], removals: Name[]][] = [
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
  for (const [type, changes, removals] of table) {
    await t.test(type, () => {
      assert.deepEqual(changesAfter(Type[type]).map(shortName).sort(), changes.sort());
      assert.deepEqual(removalsAfter(Type[type]).map(shortName).sort(), removals.sort());
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

test("R22: a cluster stays while a rejected route still names it, and one that it does not name goes", () => {
  for (const client of [new SotwScript(), new DeltaScript()]) {
    client
      .serve({ CDS: ["w@1", "x@1"], RDS: ["r@1>x"] })
      .ask("CDS")
      .ask("RDS", ["r"])
      .take();
    assert.deepEqual(client.ack("CDS").take(), ["RDS r@1>x"]);
    client
      .ack("RDS")
      .serve({ CDS: ["y@1"], RDS: ["r@2>y"] })
      .take();
    client.ack("CDS").take();
    const goes = client instanceof DeltaScript ? "CDS -w" : "CDS x@1 y@1";
    assert.deepEqual(client.nack("RDS").take(), [goes]);
    assert.deepEqual(client.ack("CDS").take(), []);
    assert.ok(client.states("CDS").includes("x pending"));
    assert.deepEqual(client.serve({ CDS: ["x@1", "y@1"], RDS: ["r@1>x"] }).take(), []);
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

test("R4, R22: a cluster that is replaced holds up a route that names it, but not for ever, and others for a moment", () => {
  const start = (route: string): SotwScript => {
    const client = new SotwScript()
      .serve({ CDS: ["x@1"], RDS: ["r@1"] })
      .ask("CDS")
      .ask("RDS", ["r"]);
    client.take();
    client
      .ack("CDS")
      .ack("RDS")
      .serve({ CDS: ["x@2"], RDS: [route] });
    assert.deepEqual(client.take(), ["CDS x@2"]);
    return client;
  };
  for (const [route, waits] of [
    ["r@2>x", 15_000],
    ["r@2>other", 1_000],
  ] as const) {
    const silent = start(route);
    assert.equal(silent.wakeAt, silent.now + waits);
    silent.now += waits;
    assert.deepEqual(silent.take(), [`RDS ${route}`]);
    assert.deepEqual(start(route).nack("CDS").take(), [`RDS ${route}`], "it has the cluster as it was");
  }
});

test("R22: a cluster that the client has not holds up a route that names it for as long as it takes, and no other", () => {
  for (const client of [new SotwScript(), new DeltaScript()]) {
    client.serve({ CDS: ["x@1"], RDS: ["r@1>x", "s@1>x"] }).ask("CDS");
    client.take();
    client.ack("CDS").ask("RDS", ["r", "s"]).take();
    client.ack("RDS").serve({ CDS: ["x@1", "y@1"], RDS: ["r@2>y", "s@2>x"] });
    assert.equal(client.take().length, 1);
    client.now += 1_000;
    assert.deepEqual(client.take(), ["RDS s@2>x"]);
    client.ack("RDS");
    client.now += 3_600_000;
    assert.deepEqual(client.take(), []);
    assert.deepEqual(client.ack("CDS").take(), ["RDS r@2>y"]);
  }
});

test("R22: after a cluster was refused, a route that is there stays as it was, and one that is not yet there comes", () => {
  for (const client of [new SotwScript(), new DeltaScript()]) {
    client.serve({ CDS: ["x@1"], RDS: ["r@1>x"] }).ask("CDS");
    client.take();
    client.ack("CDS").ask("RDS", ["r", "s"]).take();
    client.ack("RDS").serve({ CDS: ["x@1", "y@1"], RDS: ["r@2>y", "s@1>x+y"] });
    client.take();
    assert.deepEqual(client.nack("CDS").take(), ["RDS s@1>x+y"]);
    assert.deepEqual(client.ack("RDS").take(), []);
    assert.deepEqual(client.states("RDS"), ["r pending", "s synced"]);
    assert.equal(client.standing, "rejecting");
    client.serve({ CDS: ["x@1", "y@2"], RDS: ["r@2>y", "s@1>x+y"] });
    assert.equal(client.take().length, 1);
    assert.deepEqual(client.ack("CDS").take(), ["RDS r@2>y"]);
  }
});

test("R22, R23: a listener waits for the clusters of a route and a filter that it will ask for", () => {
  for (const client of [new SotwScript(), new DeltaScript()]) {
    client
      .serve({ CDS: ["x@1"], LDS: ["l@1"], RDS: [] })
      .ask("CDS")
      .ask("LDS");
    client.take();
    client.ack("CDS").ack("LDS");
    client.serve({ CDS: ["x@1", "y@1"], LDS: ["l@2>r+f"], RDS: ["r@1>x"], ECDS: ["f@1>y"] });
    assert.equal(client.take().length, 1);
    client.now += 60_000;
    assert.deepEqual(client.take(), []);
    assert.deepEqual(client.ack("CDS").take(), ["LDS l@2>r+f"]);
  }
});

test("R22: a response that is not answered is superseded after a while, and what came of it is not taken for granted", () => {
  const client = new DeltaScript().serve({ CDS: ["x@1"], RDS: ["r@1"] }).ask("CDS");
  client.take();
  client.ack("CDS").ask("RDS", ["r"]).take();
  client.ack("RDS").serve({ CDS: ["x@1", "y@1"], RDS: ["r@1"] });
  assert.deepEqual(client.take(), ["CDS y@1"]);
  client.now += 20_000;
  assert.deepEqual(client.take(), [], "nothing else is to be sent");
  client.serve({ CDS: ["x@1", "y@1", "z@1"], RDS: ["r@2>y"] });
  assert.deepEqual(client.take(), ["CDS y@1 z@1"]);
  client.serve({ CDS: ["x@1", "z@1"], RDS: ["r@2>z"] });
  assert.deepEqual(client.take(), []);
  client.now += 15_000;
  assert.deepEqual(client.take(), ["CDS z@1"]);
  assert.deepEqual(client.ack("CDS").take(), ["RDS r@2>z"]);
  assert.deepEqual(client.ack("RDS").take(), ["CDS -y"]);
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

test("R22, R23: also when the client reconnects while it warms a cluster, which Envoy tells by not asking for clusters", () => {
  const served = { CDS: ["x@2", "y@1"], EDS: ["x@1", "y@1"], LDS: ["l@1"], RDS: ["r@2>y"] };
  const names = { EDS: ["x", "y"], LDS: [], RDS: ["r"] };
  // It had x and y, and then y no longer: the version that it reports is of before.
  const before = new SotwScript().serve(served);
  for (const type of ["EDS", "LDS"] as const) before.ask(type, names[type]).take();
  const sotw = new SotwScript().serve(served);
  sotw.ask("EDS", names.EDS, { version: before.version("EDS") });
  assert.deepEqual(sotw.take(), [], "it may ask for clusters next");
  sotw.ask("LDS", names.LDS, { version: before.version("LDS") });
  assert.deepEqual(sotw.take(), ["EDS x@1 y@1"]);
  // The route waits until the client says what clusters it has, for as long as Envoy warms one at most.
  sotw.ack("EDS").ask("RDS", names.RDS, { version: "old" }).now += 10_000;
  assert.deepEqual(sotw.take(), []);
  assert.deepEqual(sotw.ask("CDS", [], { version: "old" }).take(), ["CDS x@2 y@1", "EDS x@1 y@1"]);
  assert.deepEqual(sotw.ack("EDS").ack("CDS").take(), ["RDS r@2>y"]);

  const delta = new DeltaScript().serve(served).ask("EDS", ["x", "y", "x=1", "y=1"]).ask("LDS", ["l=1"]);
  assert.deepEqual(delta.take(), ["EDS x@1 y@1"]);
  delta.ack("EDS").ask("RDS", ["r", "r=1>x"]).now += 10_000;
  assert.deepEqual(delta.take(), []);
  assert.deepEqual(delta.ask("CDS", ["x=2", "y=1"]).take(), ["RDS r@2>y"]);
  // A client that never asks for clusters gets the route all the same.
  const without = new DeltaScript().serve(served).ask("EDS", ["x", "x=1"]).ask("RDS", ["r", "r=1"]);
  assert.deepEqual(without.take(), ["EDS x@1"]);
  assert.deepEqual(without.ack("EDS").take(), []);
  assert.equal(without.wakeAt, without.now + 15_000);
  without.now += 15_000;
  assert.deepEqual(without.take(), ["RDS r@2>y"]);
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
