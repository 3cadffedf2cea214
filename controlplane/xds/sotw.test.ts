import assert from "node:assert/strict";
import { test } from "node:test";

import { ProxyMemory } from "./delivery.ts";
import { SotwScript } from "./testdata/script.ts";

test("R2, R21: a wildcard is answered with everything, or with nothing", () => {
  assert.deepEqual(
    new SotwScript()
      .serve({ CDS: ["a@1", "b@1"] })
      .ask("CDS")
      .take(),
    ["CDS a@1 b@1"],
  );
  assert.deepEqual(new SotwScript().serve({}).ask("CDS").ask("LDS").take(), ["CDS", "LDS"]);
});

test("R4: types are independent: a rejection or silence in one does not hold up another", () => {
  const client = new SotwScript()
    .serve({ CDS: ["a@1"], SDS: ["s@1"] })
    .ask("CDS")
    .ask("SDS", ["s"]);
  assert.deepEqual(client.take(), ["SDS s@1", "CDS a@1"]);
  client
    .nack("CDS")
    .ack("SDS")
    .serve({ CDS: ["a@1"], SDS: ["s@2"] });
  assert.deepEqual(client.take(), ["SDS s@2"]);
});

test("R5: the nonce of a first request means nothing, and each response has its own", () => {
  const client = new SotwScript().serve({ CDS: ["a@1"], SDS: ["s@1"] });
  client.ask("CDS", [], { nonce: "of another stream" }).ask("SDS", ["s"]);
  client.take();
  assert.equal(new Set(client.sends.map(({ nonce }) => nonce)).size, 2);
});

test("R6: a request with a stale nonce changes nothing", () => {
  const client = new SotwScript().serve({ RDS: ["a@1", "b@1"] }).ask("RDS", ["a"]);
  client.take();
  const stale = client.nonce("RDS");
  client.ack("RDS").serve({ RDS: ["a@2", "b@1"] });
  assert.deepEqual(client.take(), ["RDS a@2"]);
  client.ask("RDS", ["a", "b"], { nonce: stale });
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.ack("RDS", ["a", "b"]).take(), ["RDS b@1"]);
});

test("R7: a rejected version is not sent again, a new one is", () => {
  for (const type of ["CDS", "RDS"] as const) {
    const client = new SotwScript().serve({ [type]: ["a@1"] }).ask(type, ["a"]);
    assert.deepEqual(client.take(), [`${type} a@1`]);
    assert.deepEqual(client.nack(type).take(), []);
    assert.deepEqual(client.serve({ [type]: ["a@1"] }).take(), []);
    assert.deepEqual(client.serve({ [type]: ["a@2"] }).take(), [`${type} a@2`]);
    assert.deepEqual(client.outcomes, [`rejected ${type} a@1`]);
  }
});

test("R7: a rejection is told by error_detail alone, and may change the subscription", () => {
  const client = new SotwScript().serve({ RDS: ["a@1", "b@1"] }).ask("RDS", ["a"]);
  client.take();
  client.ask("RDS", ["a"], { nonce: client.nonce("RDS"), version: "other" });
  assert.deepEqual(client.outcomes, ["acked RDS a@1"]);
  client.serve({ RDS: ["a@2", "b@1"] }).take();
  assert.deepEqual(client.nack("RDS", ["a", "b"]).take(), ["RDS b@1"]);
});

test("R7: of what was rejected together, halves are tried until what is wrong stands alone", () => {
  const served = ["a@1", "b@1", "c@1", "d@1"];
  const client = new SotwScript().serve({ RDS: served }).ask("RDS", ["a", "b", "c", "d"]);
  assert.deepEqual(client.take(), ["RDS a@1 b@1 c@1 d@1"]);
  assert.deepEqual(client.nack("RDS").take(), ["RDS a@1 b@1"]);
  assert.deepEqual(client.ack("RDS").take(), ["RDS c@1"]);
  assert.deepEqual(client.nack("RDS").take(), ["RDS d@1"]);
  assert.deepEqual(client.ack("RDS").take(), []);
  assert.deepEqual(client.states("RDS"), ["a synced", "b synced", "c rejected", "d synced"]);
  assert.equal(client.standing, "rejecting");
});

test("R7: so it is with clusters, which come with all that the client has", () => {
  const client = new SotwScript().serve({ CDS: ["x@1"] }).ask("CDS");
  client.take();
  client.ack("CDS").serve({ CDS: ["a@1", "b@1", "x@1"] });
  assert.deepEqual(client.take(), ["CDS a@1 b@1 x@1"]);
  assert.deepEqual(client.nack("CDS").take(), ["CDS x@1 a@1"]);
  assert.deepEqual(client.ack("CDS").take(), ["CDS a@1 b@1 x@1"], "as there is no other way to say b");
  assert.deepEqual(client.nack("CDS").take(), []);
  assert.deepEqual(client.serve({ CDS: ["a@1", "b@2", "x@1"] }).take(), ["CDS a@1 b@2 x@1"]);
});

test("R7: where nothing is accepted, trying ends", () => {
  const names = Array.from({ length: 100 }, (_, n) => `n${n}`);
  const client = new SotwScript().serve({ RDS: names.map((name) => `${name}@1`) }).ask("RDS", names);
  let trials = 0;
  for (let sent = client.take(); sent.length > 0; sent = client.nack("RDS").take()) trials++;
  assert.ok(trials <= 40, `${trials}`);
});

test("R8: an acknowledgement is not answered; names that are added are, unchanged as they may be", () => {
  const client = new SotwScript().serve({ EDS: ["a@1", "b@1"] }).ask("EDS", ["a"]);
  assert.deepEqual(client.take(), ["EDS a@1"]);
  assert.deepEqual(client.ack("EDS").take(), []);
  assert.deepEqual(client.ask("EDS", ["a", "b"], { nonce: client.nonce("EDS") }).take(), ["EDS b@1"]);
  client.ack("EDS").ask("EDS", ["a"], { nonce: client.nonce("EDS") });
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.ask("EDS", ["a", "b"], { nonce: client.nonce("EDS") }).take(), ["EDS b@1"]);
});

test("R9: clusters and listeners come in full, and what is absent is deleted; other types only in part", () => {
  for (const type of ["CDS", "LDS"] as const) {
    const client = new SotwScript().serve({ [type]: ["a@1", "b@1"] }).ask(type);
    client.take();
    assert.deepEqual(
      client
        .ack(type)
        .serve({ [type]: ["a@2", "b@1"] })
        .take(),
      [`${type} a@2 b@1`],
    );
    assert.deepEqual(
      client
        .ack(type)
        .serve({ [type]: ["b@1"] })
        .take(),
      [`${type} b@1`],
    );
    assert.deepEqual(client.ack(type).serve({}).take(), [type]);
    assert.deepEqual(client.ack(type).take(), []);
  }
  const client = new SotwScript().serve({ RDS: ["a@1", "b@1"] }).ask("RDS", ["a", "b"]);
  client.take();
  assert.deepEqual(
    client
      .ack("RDS")
      .serve({ RDS: ["a@2"] })
      .take(),
    ["RDS a@2"],
  );
  assert.deepEqual(client.ack("RDS").serve({}).take(), []);
});

test("R10: after a name, an empty list is a subscription to nothing", () => {
  const client = new SotwScript().serve({ CDS: ["a@1", "b@1"] }).ask("CDS", ["a"]);
  assert.deepEqual(client.take(), ["CDS a@1"]);
  assert.deepEqual(
    client
      .ack("CDS", [])
      .serve({ CDS: ["a@2"] })
      .take(),
    [],
  );
});

test("R11: a name that does not exist is answered when it does", () => {
  for (const type of ["CDS", "RDS"] as const) {
    const client = new SotwScript().serve({}).ask(type, ["a"]);
    assert.deepEqual(client.take(), []);
    assert.deepEqual(client.serve({ [type]: ["a@1"] }).take(), [`${type} a@1`]);
  }
});

test("R12: nothing is sent when nothing changed, and changes meanwhile are sent once", () => {
  const client = new SotwScript().serve({ CDS: ["a@1"] }).ask("CDS");
  client.take();
  client.serve({ CDS: ["a@2"] });
  assert.deepEqual(client.take(), [], "one response is in flight");
  client.serve({ CDS: ["a@3"] });
  assert.deepEqual(client.ack("CDS").take(), ["CDS a@3"]);
  assert.deepEqual(
    client
      .ack("CDS")
      .serve({ CDS: ["a@3"] })
      .take(),
    [],
  );
  assert.deepEqual(
    client
      .serve({ CDS: ["a@4"] })
      .serve({ CDS: ["a@3"] })
      .take(),
    [],
  );
});

test("R13: a client that reconnects with the version it accepted gets nothing, another gets everything", () => {
  const table = [
    { type: "CDS", names: [], served: ["a@1", "b@1"], changed: ["a@1", "b@2"], all: "CDS a@1 b@2" },
    { type: "RDS", names: ["a", "b"], served: ["a@1", "b@1", "c@1"], changed: ["a@1", "b@2"], all: "RDS a@1 b@2" },
    { type: "ECDS", names: ["a"], served: ["a@1", "b@1"], changed: ["a@2"], all: "ECDS a@2" },
  ] as const;
  for (const { type, names, served, changed, all } of table) {
    const before = new SotwScript().serve({ [type]: served }).ask(type, names);
    before.take();
    const version = before.version(type);
    const after = new SotwScript().serve({ [type]: served }).ask(type, names, { version });
    assert.deepEqual(after.take(), []);
    assert.deepEqual(
      after.states(type).slice(0, names.length),
      names.map((name) => `${name} synced`),
    );
    assert.deepEqual(
      new SotwScript()
        .serve({ [type]: changed })
        .ask(type, names, { version })
        .take(),
      [all],
    );
  }
});

test("R13: a client that reconnects with more names than its version stands for is answered", () => {
  const before = new SotwScript().serve({ RDS: ["a@1", "b@1"] }).ask("RDS", ["a"]);
  before.take();
  const after = new SotwScript().serve({ RDS: ["a@1", "b@1"] });
  assert.deepEqual(after.ask("RDS", ["a", "b"], { version: before.version("RDS") }).take(), ["RDS a@1 b@1"]);
});

test("R13: a client that was cut off between two filters is found out", () => {
  const served = { ECDS: ["a@1", "b@1"] };
  const before = new SotwScript().serve(served).ask("ECDS", ["a", "b"]);
  assert.deepEqual(before.take(), ["ECDS a@1"]);
  const partial = before.version("ECDS");
  assert.deepEqual(before.ack("ECDS").take(), ["ECDS b@1"]);
  const full = before.version("ECDS");
  const resume = (version: string): string[] =>
    new SotwScript().serve(served).ask("ECDS", ["a", "b"], { version }).take();
  assert.deepEqual(resume(partial), ["ECDS a@1"]);
  assert.deepEqual(resume(full), []);
});

test("R13: a client that dropped a name, and asks for it again when it comes back, has it no more, though its version is still that of before", () => {
  const served = { RDS: ["a@1", "b@1"] };
  const memory = new ProxyMemory();
  const before = new SotwScript(memory).serve(served).ask("RDS", ["a", "b"]);
  assert.deepEqual(before.take(), ["RDS a@1 b@1"]);
  const version = before.version("RDS");
  assert.deepEqual(before.ack("RDS").ack("RDS", ["a"]).take(), []);
  before.close();
  const after = new SotwScript(memory).serve(served).ask("RDS", ["a", "b"], { version });
  assert.deepEqual(after.take(), ["RDS b@1"]);
  after.ack("RDS").close();
  assert.deepEqual(new SotwScript(memory).serve(served).ask("RDS", ["a", "b"], { version }).take(), []);
});

test("R13: a client that had something else from another control plane is led over step by step, as if it had it from this one", () => {
  const served = { CDS: ["x@1", "z@1"], EDS: ["x@1", "z@1"], LDS: ["l@1>r"], RDS: ["r@1>x", "s@1>z"] };
  const moved = { CDS: ["y@1", "z@1"], EDS: ["y@1", "z@1"], LDS: ["l@1>r"], RDS: ["r@2>y", "s@1>z"] };
  const names = { CDS: [], EDS: ["x", "z"], LDS: [], RDS: ["r", "s"] };
  const types = ["CDS", "EDS", "LDS", "RDS"] as const;
  const there = new SotwScript().serve(served);
  for (const type of types) {
    there.ask(type, names[type]).take();
    there.ack(type).take();
  }
  const here = new SotwScript(undefined, undefined, [{ CDS: ["other@1"] }, served]).serve(moved);
  for (const type of types) here.ask(type, names[type], { version: there.version(type) });
  assert.deepEqual(here.take(), ["CDS x@1 z@1 y@1"]);
  assert.deepEqual(here.ask("EDS", ["x", "y", "z"], { nonce: "" }).take(), ["EDS y@1"]);
  here.ack("EDS", ["x", "y", "z"]);
  assert.deepEqual(here.ack("CDS").take(), ["RDS r@2>y"]);
  assert.deepEqual(here.ack("RDS").take(), []);
  // Until then it may still ask for filters that mention x.
  here.now += 1_000;
  assert.deepEqual(here.take(), ["CDS y@1 z@1"]);
  // So is one that was on its way there: it has the new cluster, and its routes mention the old one.
  for (const type of types)
    there.serve(moved).ask(type, names[type], { nonce: there.nonce(type), version: there.version(type) });
  assert.deepEqual(there.take(), ["CDS x@1 z@1 y@1"]);
  const halfway = new SotwScript(undefined, undefined, [{ CDS: ["other@1"] }, served]).serve(moved);
  const asked = { ...names, EDS: ["x", "y", "z"] };
  for (const type of types) halfway.ask(type, asked[type], { version: there.version(type) });
  assert.deepEqual(halfway.take(), ["EDS y@1", "RDS r@2>y"]);
  halfway.ack("EDS").ack("RDS").now += 1_000;
  assert.deepEqual(halfway.take(), ["CDS y@1 z@1"]);
  // Where nothing is known of it, what is no longer served goes at once.
  const lost = new SotwScript().serve(moved);
  for (const type of types) lost.ask(type, names[type], { version: there.version(type) });
  assert.deepEqual(lost.take()[0], "CDS y@1 z@1");
});

test("R9, R13: a client whose clusters all went while it was away is told", () => {
  assert.deepEqual(new SotwScript().serve({}).ask("CDS", [], { version: "old" }).take(), ["CDS"]);
});

test("R24: what the client has not asked for is not sent, and the order of its requests does not matter", () => {
  const client = new SotwScript().serve({ CDS: ["a@1"], RDS: ["r@1"] }).ask("RDS", ["r"]);
  assert.deepEqual(client.take(), ["RDS r@1"]);
  assert.deepEqual(client.ask("CDS").take(), ["CDS a@1"]);
});

test("R26: filters are sent one by one, by name", () => {
  const client = new SotwScript().serve({ ECDS: ["a@1", "b@1", "c@1"] }).ask("ECDS", ["a", "c"]);
  assert.deepEqual(client.take(), ["ECDS a@1"]);
  assert.deepEqual(client.nack("ECDS").take(), ["ECDS c@1"]);
  assert.deepEqual(client.ack("ECDS").take(), []);
  assert.deepEqual(client.states("ECDS"), ["a rejected", "b not-requested", "c synced"]);
});

test("a client is left waiting while there is no snapshot for it", () => {
  const client = new SotwScript().ask("CDS");
  assert.deepEqual(client.take(), []);
  assert.deepEqual(client.serve({ CDS: ["a@1"] }).take(), ["CDS a@1"]);
});

test("the status of a resource follows its answers", () => {
  const client = new SotwScript().serve({ CDS: ["a@1"] });
  assert.deepEqual(client.states("CDS"), ["a not-requested"]);
  client.ask("CDS");
  assert.deepEqual(client.states("CDS"), ["a pending"]);
  client.take();
  assert.deepEqual(client.states("CDS"), ["a pending"]);
  client.ack("CDS");
  assert.deepEqual(client.states("CDS"), ["a synced"]);
  client.serve({ CDS: ["a@2"] }).take();
  client.nack("CDS");
  const [a] = client.status.find(({ requested }) => requested)?.resources ?? [];
  assert.deepEqual(a, {
    name: "a",
    version: "2",
    sent: "2",
    acked: "1",
    state: "rejected",
    acceptedAt: client.now,
    rejection: { version: "2", message: "no", time: client.now, shared: false },
  });
  client.serve({ CDS: ["a@3"] }).take();
  client.ack("CDS");
  assert.equal(client.status.find(({ requested }) => requested)?.resources[0]?.rejection, null);
});
