import assert from "node:assert/strict";
import { test } from "node:test";

import { ProxyMemory } from "./delivery.ts";
import { DeltaScript, filter, type Served, SotwScript } from "./testdata/script.ts";

const LISTENER = { LDS: ["l@1"] };
const serving = (...filters: ReturnType<typeof filter>[]): Served => ({ ...LISTENER, ECDS: filters });

/** A proxy that was running before this control plane, with filter `f` at version 1. */
function running(memory = new ProxyMemory()): DeltaScript {
  const client = new DeltaScript(memory)
    .serve(serving(filter("f@1", "m1")))
    .ask("LDS", ["l=1"])
    .ask("ECDS", ["f", "f=1"]);
  assert.deepEqual(client.take(), []);
  return client;
}

test("a fresh proxy's warming listener gets the warming variant, which is the last of it", () => {
  for (const client of [new DeltaScript(), new SotwScript()]) {
    client.serve(serving(filter("f@1", "m1"))).ask("LDS");
    assert.deepEqual(client.take(), ["LDS l@1"]);
    assert.deepEqual(client.ack("LDS").ask("ECDS", ["f"]).take(), ["ECDS f@1+w"]);
    assert.deepEqual(client.states("ECDS"), ["f pending"]);
    assert.deepEqual(client.ack("ECDS").take(), []);
    assert.deepEqual(client.states("ECDS"), ["f synced"]);
  }
});

test("the warming variant is not for a listener that had time to warm, nor for an update", () => {
  const late = new DeltaScript().serve(serving(filter("f@1", "m1"))).ask("LDS");
  late.take();
  late.now += 10_000;
  assert.deepEqual(late.ack("LDS").ask("ECDS", ["f"]).take(), ["ECDS f@1"]);

  const update = new DeltaScript()
    .serve(serving(filter("f@1", "m1")))
    .ask("LDS")
    .ask("ECDS", ["f"]);
  assert.deepEqual(update.take(), ["LDS l@1", "ECDS f@1+w"]);
  assert.deepEqual(
    update
      .ack("LDS")
      .ack("ECDS")
      .serve(serving(filter("f@2", "m2")))
      .take(),
    ["ECDS f@2"],
  );
});

test("a warming variant that is rejected is tried again like any other", () => {
  const client = new DeltaScript()
    .serve(serving(filter("f@1", "m1")))
    .ask("LDS")
    .ask("ECDS", ["f"]);
  client.take();
  client.ack("LDS").nack("ECDS");
  client.now += 50;
  assert.deepEqual(client.take(), ["ECDS f@1"]);
});

test("a running proxy rejects what it must fetch, and accepts the next variant", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  assert.deepEqual(client.take(), ["ECDS f@2"]);
  assert.deepEqual(client.nack("ECDS").take(), []);
  assert.deepEqual(client.states("ECDS"), ["f prewarming"]);
  assert.equal(client.wakeAt, client.now + 50);
  client.now += 50;
  assert.deepEqual(client.take(), ["ECDS f@2+1"]);
  assert.deepEqual(client.states("ECDS"), ["f prewarming"]);
  assert.deepEqual(client.ack("ECDS").take(), []);
  assert.deepEqual(client.states("ECDS"), ["f synced"]);
  assert.deepEqual(client.outcomes, ["prewarming ECDS f@2", "acked ECDS f@2"]);
});

test("when the last attempt is rejected too, that is a rejection", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  const sent: string[] = [];
  for (const pause of [0, 50, 150]) {
    client.now += pause;
    sent.push(...client.take());
    client.nack("ECDS");
  }
  assert.deepEqual(sent, ["ECDS f@2", "ECDS f@2+1", "ECDS f@2+2"]);
  assert.equal(client.wakeAt, undefined);
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.states("ECDS"), ["f rejected"]);
  assert.deepEqual(client.outcomes.at(-1), "rejected ECDS f@2");
  client.serve(serving(filter("f@3", "m2")));
  assert.deepEqual(client.take(), ["ECDS f@3"], "another content is another matter");
});

test("a proxy that has the module rejects the filter itself, at once", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  client.take();
  client.ack("ECDS").serve(serving(filter("f@3", "m2")));
  assert.deepEqual(client.take(), ["ECDS f@3"]);
  assert.deepEqual(client.nack("ECDS").take(), []);
  assert.deepEqual(client.outcomes.at(-1), "rejected ECDS f@3");
  assert.equal(client.wakeAt, undefined);
});

test("what a proxy accepted a day ago it may have forgotten", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  client.take();
  client.ack("ECDS").serve(serving(filter("f@3", "m2")));
  client.now += 24 * 3_600_000;
  client.take();
  client.nack("ECDS");
  assert.deepEqual(client.outcomes.at(-1), "prewarming ECDS f@3");
});

test("the delivery of one filter holds up neither another nor other types", () => {
  const client = new DeltaScript()
    .serve(serving(filter("f@1", "m1"), filter("g@1", "m1")))
    .ask("LDS", ["l=1"])
    .ask("ECDS", ["f", "g", "f=1", "g=1"]);
  client.serve({ LDS: ["l@2"], ECDS: [filter("f@2", "m2"), filter("g@2", "m3")] });
  assert.deepEqual(client.take(), ["LDS l@2", "ECDS f@2"]);
  assert.deepEqual(client.ack("LDS").nack("ECDS").take(), ["ECDS g@2"]);
  client.now += 50;
  assert.deepEqual(client.take(), [], "one response in flight");
  assert.deepEqual(client.ack("ECDS").take(), ["ECDS f@2+1"]);
});

test("once another filter brought the module, the next attempt need not wait", () => {
  const client = new DeltaScript().serve(LISTENER).ask("LDS", ["l=1"]).ask("ECDS", ["f", "g", "f=1", "g=1"]);
  client.serve(serving(filter("f@2", "m2"), filter("g@2", "m2")));
  assert.deepEqual(client.take(), ["ECDS f@2"]);
  assert.deepEqual(client.nack("ECDS").take(), ["ECDS g@2"]);
  assert.deepEqual(client.ack("ECDS").take(), ["ECDS f@2+1"]);
});

test("newer content takes the place of an attempt that is pending", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  client.take();
  client.nack("ECDS").serve(serving(filter("f@3", "m3")));
  assert.deepEqual(client.take(), ["ECDS f@3"]);
  assert.deepEqual(client.ack("ECDS").take(), []);
  assert.equal(client.wakeAt, undefined);
});

test("a proxy that rejected something is sent the very bytes that it has once more, when it is to have these again", () => {
  for (const client of [new DeltaScript(), new SotwScript()]) {
    client.serve(serving(filter("f@1", "m1"))).ask("LDS");
    client.take();
    client.now += 10_000;
    client.ack("LDS").ask("ECDS", ["f"]).take();
    client.nack("ECDS").now += 50;
    assert.deepEqual(client.take(), ["ECDS f@1+1"]);
    client.ack("ECDS").serve(serving(filter("f@2", "m1")));
    assert.deepEqual(client.take(), ["ECDS f@2"]);
    client.nack("ECDS");
    assert.equal(client.outcomes.at(-1), "rejected ECDS f@2");
    assert.deepEqual(client.take(), []);
    client.serve(serving(filter("f@1", "m1")));
    assert.deepEqual(client.take(), ["ECDS f@1+1"]);
    assert.deepEqual(client.states("ECDS"), ["f pending"]);
    assert.deepEqual(client.ack("ECDS").take(), []);
    assert.deepEqual(client.states("ECDS"), ["f synced"]);
  }
});

test("what is sent once more goes back in the form that the proxy reported", () => {
  const client = new DeltaScript()
    .serve(serving(filter("f@1", "m1")))
    .ask("LDS", ["l=1"])
    .ask("ECDS", ["f", "f=1+3"]);
  client.take();
  client.serve(serving(filter("f@2", "m2"))).take();
  assert.deepEqual(
    client
      .nack("ECDS")
      .serve(serving(filter("f@1", "m1")))
      .take(),
    ["ECDS f@1+3"],
  );
});

test("it is sent once more a single time, also when that is rejected", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  client.take();
  assert.deepEqual(
    client
      .nack("ECDS")
      .serve(serving(filter("f@1", "m1")))
      .take(),
    ["ECDS f@1"],
  );
  client.nack("ECDS");
  for (let i = 0; i < 10; ++i) {
    client.now += 11_000;
    assert.deepEqual(client.take(), []);
  }
});

test("nothing is sent once more when the proxy is to have something else by then", () => {
  const client = running().serve(serving(filter("f@2", "m2")));
  client.take();
  client
    .nack("ECDS")
    .serve(serving(filter("f@1", "m1")))
    .serve(serving(filter("f@3", "m3")));
  assert.deepEqual(client.take(), ["ECDS f@3"]);
  assert.deepEqual(client.ack("ECDS").take(), []);
});

test("bytes that were rejected are never sent again, not on a later stream either", () => {
  const memory = new ProxyMemory();
  const first = running(memory).serve(serving(filter("f@2", "m2")));
  assert.deepEqual(first.take(), ["ECDS f@2"]);
  first
    .nack("ECDS")
    .serve(serving(filter("f@1", "m1")))
    .take();
  first.ack("ECDS").serve(serving(filter("f@2", "m2")));
  first.now += 50;
  assert.deepEqual(first.take(), ["ECDS f@2+1"]);
  const second = running(memory).serve(serving(filter("f@2", "m2")));
  assert.deepEqual(second.take(), ["ECDS f@2+2"]);
});

test("R13, R17: every variant is the same content to a proxy that reconnects", () => {
  for (const version of ["1", "1+1", "1+w"]) {
    const client = new DeltaScript()
      .serve(serving(filter("f@1", "m1")))
      .ask("LDS", ["l=1"])
      .ask("ECDS", ["f", `f=${version}`]);
    assert.deepEqual(client.take(), []);
  }
  const before = new SotwScript()
    .serve(serving(filter("f@1", "m1")))
    .ask("LDS")
    .ask("ECDS", ["f"]);
  assert.deepEqual(before.take(), ["LDS l@1", "ECDS f@1+w"]);
  const after = new SotwScript().serve(serving(filter("f@1", "m1")));
  assert.deepEqual(after.ask("ECDS", ["f"], { version: before.version("ECDS") }).take(), []);
});

test("a fresh process is not taken to have the modules of the one before", () => {
  const memory = new ProxyMemory();
  const old = running(memory).serve(serving(filter("f@2", "m2")));
  old.take();
  old.ack("ECDS");
  const fresh = new DeltaScript(memory)
    .serve(serving(filter("f@2", "m2")))
    .ask("LDS")
    .ask("ECDS", ["f"]);
  assert.deepEqual(fresh.take(), ["LDS l@1", "ECDS f@2+w"]);
});
