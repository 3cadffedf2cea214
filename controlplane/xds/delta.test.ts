import assert from "node:assert/strict";
import { test } from "node:test";

import { DeltaScript } from "./testdata/script.ts";

test("only what changed is sent", () => {
  const client = new DeltaScript().serve({ CDS: ["a@1", "b@1"] }).ask("CDS");
  assert.deepEqual(client.take(), ["CDS a@1 b@1"]);
  client.ack("CDS").serve({ CDS: ["a@1", "b@2", "c@1"] });
  assert.deepEqual(client.take(), ["CDS b@2 c@1"]);
  assert.deepEqual(
    client
      .ack("CDS")
      .serve({ CDS: ["c@1"] })
      .take(),
    ["CDS -a -b"],
  );
  assert.deepEqual(client.ack("CDS").take(), []);
});

test("R14: a subscription changes by a stale or a spontaneous request, and is no answer", () => {
  const client = new DeltaScript().serve({ RDS: ["a@1", "b@1", "c@1"] }).ask("RDS", ["a"]);
  client.take();
  assert.deepEqual(client.ask("RDS", ["b"], { nonce: "stale" }).take(), [], "one response is in flight");
  client.ask("RDS", ["c"]);
  assert.deepEqual(client.outcomes, []);
  assert.deepEqual(client.ack("RDS").take(), ["RDS b@1 c@1"]);
});

test("a client that rejects the word that a cluster does not exist still loses the endpoints that are gone", () => {
  const client = new DeltaScript().serve({ EDS: ["a@1"] }).ask("EDS", ["*"]);
  assert.deepEqual(client.take(), ["EDS a@1"]);
  assert.deepEqual(client.ack("EDS").ask("CDS", ["a"]).take(), ["CDS -a"]);
  assert.deepEqual(client.nack("CDS").serve({}).take(), ["EDS -a"]);
});

test("what a client left and covers again while it was on its way is told again", () => {
  const again = (): DeltaScript => {
    const client = new DeltaScript().serve({ RDS: ["a@1"] }).ask("RDS", ["*"]);
    assert.deepEqual(client.take(), ["RDS a@1"]);
    return client.ask("RDS", ["-*"]).ask("RDS", ["*"]);
  };
  assert.deepEqual(again().ack("RDS").take(), ["RDS a@1"]);
  assert.deepEqual(again().serve({}).ack("RDS").take(), ["RDS -a"]);
  assert.deepEqual(again().ask("RDS", ["-*"]).serve({}).ack("RDS").take(), []);
});

test("R14: a rejection is told by error_detail; a rejected version is not sent again, a new one is", () => {
  const client = new DeltaScript().serve({ RDS: ["a@1"] }).ask("RDS", ["a"]);
  client.take();
  assert.deepEqual(client.nack("RDS").take(), []);
  assert.deepEqual(client.serve({ RDS: ["a@1"] }).take(), []);
  assert.deepEqual(client.serve({ RDS: ["a@2"] }).take(), ["RDS a@2"]);
  assert.deepEqual(client.outcomes, ["rejected RDS a@1"]);
});

test("a resource that was rejected does not hold up the others of its type", () => {
  const client = new DeltaScript().serve({ RDS: ["a@1", "b@1"] }).ask("RDS");
  client.take();
  assert.deepEqual(
    client
      .nack("RDS")
      .serve({ RDS: ["a@1", "b@1", "c@1"] })
      .take(),
    ["RDS c@1"],
  );
  assert.deepEqual(client.ack("RDS").take(), ["RDS a@1"]);
  assert.deepEqual(client.nack("RDS").take(), ["RDS b@1"]);
  assert.deepEqual(client.ack("RDS").take(), []);
  assert.deepEqual(client.serve({ RDS: ["a@1", "b@1"] }).take(), ["RDS -c"]);
  assert.deepEqual(client.ack("RDS").take(), []);
});

test("a rejected removal is not sent again", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS");
  client.take();
  assert.deepEqual(client.ack("SDS").serve({}).take(), ["SDS -a"]);
  assert.deepEqual(client.nack("SDS").take(), []);
});

test("R15: a name that is asked for is sent, whatever the server thinks the client has", () => {
  const client = new DeltaScript().serve({ EDS: ["a@1"] }).ask("EDS", ["a", "gone"]);
  assert.deepEqual(client.take(), ["EDS a@1 -gone"]);
  assert.deepEqual(client.ack("EDS").ask("EDS", ["a"]).take(), ["EDS a@1"]);
  assert.deepEqual(client.ack("EDS").ask("EDS", ["gone"]).take(), ["EDS -gone"]);
  client
    .ack("EDS")
    .serve({ EDS: ["a@2"] })
    .take();
  assert.deepEqual(client.nack("EDS").ask("EDS", ["a"]).take(), ["EDS a@2"], "even if it was rejected");
});

test("R15: a name that is asked for while its response is in flight is sent again", () => {
  const client = new DeltaScript().serve({ EDS: ["a@1"] }).ask("EDS", ["a"]);
  client.take();
  client.ask("EDS", ["-a"]).ask("EDS", ["a"]);
  assert.deepEqual(client.ack("EDS").take(), ["EDS a@1"]);
});

test("R16: what does not exist is removed at once, and sent when it comes to exist, goes and comes back", () => {
  const client = new DeltaScript().serve({}).ask("RDS", ["a"]);
  assert.deepEqual(client.take(), ["RDS -a"]);
  assert.deepEqual(client.ack("RDS").take(), []);
  assert.deepEqual(client.serve({ RDS: ["a@1"] }).take(), ["RDS a@1"]);
  assert.deepEqual(client.ack("RDS").serve({}).take(), ["RDS -a"]);
  assert.deepEqual(
    client
      .ack("RDS")
      .serve({ RDS: ["a@1"] })
      .take(),
    ["RDS a@1"],
  );
});

test("R17: initial versions: equal is not sent, different is, gone is removed", async (t) => {
  const served = { SDS: ["a@1", "b@1", "c@1"] };
  const table: [requested: string[], expected: string[], why: string][] = [
    [["a=1", "b=1", "c=1"], [], "a wildcard that is up to date"],
    [["a=1", "b=0", "d=1"], ["SDS b@1 c@1 -d"], "a wildcard with a difference of each kind"],
    [["a", "a=1"], [], "a name that is up to date"],
    [["a", "a=0", "d", "d=1"], ["SDS a@1 -d"], "names that are not"],
    [["a", "b=0", "d=1"], ["SDS a@1"], "what is listed is not subscribed by that"],
  ];
  for (const [requested, expected, why] of table) {
    await t.test(why, () => assert.deepEqual(new DeltaScript().serve(served).ask("SDS", requested).take(), expected));
  }
});

test("R17: initial versions count on the first request only", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS", ["a"]);
  client.take();
  assert.deepEqual(client.ack("SDS").ask("SDS", ["gone=1"]).take(), []);
});

test("R18: unsubscribing needs no answer, unless the wildcard may still cover the name", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS", ["a", "b"]);
  client.take();
  assert.deepEqual(client.ack("SDS").ask("SDS", ["-a", "-phantom"]).take(), []);
  assert.deepEqual(client.serve({ SDS: ["a@2"] }).take(), []);

  const wild = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS", ["*", "a", "b"]);
  assert.deepEqual(wild.take(), ["SDS a@1 -b"]);
  assert.deepEqual(wild.ack("SDS").ask("SDS", ["-a"]).take(), ["SDS a@1"]);
  assert.deepEqual(wild.ack("SDS").ask("SDS", ["-b"]).take(), ["SDS -b"]);
  assert.deepEqual(wild.ack("SDS").ask("SDS", ["-phantom"]).take(), []);
});

test("R19: leaving the wildcard keeps the names", () => {
  const client = new DeltaScript()
    .serve({ SDS: ["a@1", "b@1"] })
    .ask("SDS")
    .ask("SDS", ["a"]);
  assert.deepEqual(client.take(), ["SDS a@1 b@1"]);
  client.ack("SDS", ["-*"]).serve({ SDS: ["a@2", "b@2"] });
  assert.deepEqual(client.take(), ["SDS a@2"]);
});

test("R20: each resource has its version, and system_version_info is that of the type", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS");
  client.take();
  assert.equal(client.sends[0]?.version, client.status.find(({ requested }) => requested)?.version);
});

test("R21: a wildcard without resources is answered once, and not when the client resumes with some", () => {
  const client = new DeltaScript().serve({}).ask("CDS");
  assert.deepEqual(client.take(), ["CDS"]);
  assert.deepEqual(client.ack("CDS").take(), []);
  assert.deepEqual(new DeltaScript().serve({}).ask("CDS", ["a"]).take(), ["CDS -a"]);
  assert.deepEqual(
    new DeltaScript()
      .serve({ CDS: ["a@1"] })
      .ask("CDS", ["a=1"])
      .take(),
    [],
  );
});

test("R12: changes while a response is in flight are sent once, as the latest", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS");
  client.take();
  client.serve({ SDS: ["a@2", "b@1"] }).serve({ SDS: ["a@3"] });
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.ack("SDS").take(), ["SDS a@3"]);
  assert.deepEqual(
    client
      .ack("SDS")
      .serve({ SDS: ["a@4"] })
      .serve({ SDS: ["a@3"] })
      .take(),
    [],
  );
});

test("R26: filters are sent one by one", () => {
  const client = new DeltaScript().serve({ ECDS: ["a@1", "b@1"] }).ask("ECDS", ["a", "b"]);
  assert.deepEqual(client.take(), ["ECDS a@1"]);
  assert.deepEqual(client.nack("ECDS").take(), ["ECDS b@1"]);
  assert.deepEqual(client.states("ECDS"), ["a rejected", "b pending"]);
});

test("a name dropped while its response is in flight leaves nothing behind when that is rejected", () => {
  const client = new DeltaScript().serve({ SDS: ["a@1"] }).ask("SDS", ["a"]);
  client.take();
  client.ask("SDS", ["-a"]).nack("SDS").ask("SDS", ["a"]);
  assert.deepEqual(client.take(), ["SDS a@1"]);
});

test("a filter that is gone is left to the client, which leaves it when its last connection with it has ended", () => {
  const script = new DeltaScript().serve({ ECDS: ["f@1"] }).ask("ECDS", ["f"]);
  assert.deepEqual(script.take(), ["ECDS f@1"]);
  assert.deepEqual(script.ack("ECDS").serve({}).take(), []);
  assert.deepEqual(script.states("ECDS"), [], "nothing is pending");
  assert.deepEqual(script.serve({ ECDS: ["f@2"] }).take(), ["ECDS f@2"]);
  script.ack("ECDS").serve({}).ask("ECDS", ["-f"]).take();
  assert.deepEqual(script.ask("ECDS", ["f"]).take(), ["ECDS -f"], "one that it never had is told to be none");
});
