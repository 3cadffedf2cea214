import assert from "node:assert/strict";
import { test } from "node:test";

import { ProxyMemory } from "./delivery.ts";
import { createResource, createSnapshot, type Resource } from "./index.ts";
import { DeltaScript, SotwScript, Type, type Served } from "./testdata/script.ts";

const TTL_MS = 9_000;
const BEAT_MS = TTL_MS / 3;

function mortal(type: "CDS" | "EDS" | "VHDS", text: string, ttlMs = TTL_MS): Resource {
  const [name = "", version = ""] = text.split("@");
  return createResource(name, Type[type], Buffer.from(text), { version, ttlMs });
}

const client = { ttl: true };
const variants = [
  ["state of the world", () => new SotwScript(new ProxyMemory(), client)],
  ["incremental", () => new DeltaScript(new ProxyMemory(), client)],
] as const;

/** Waits until the stream wants to be called again, and takes what it sends, with its form. */
function later(script: SotwScript | DeltaScript): string[] {
  assert.ok(script.wakeAt !== undefined, "nothing is due");
  script.now = script.wakeAt;
  return script.take().map((line) => `${script.sends.at(-1).form}: ${line}`);
}

for (const [variant, open] of variants) {
  const served: Served = { EDS: [mortal("EDS", "a@1"), "b@1", mortal("EDS", "c@1", 30_000)] };

  test(`R25: ${variant}: what has a time to live gets a heartbeat, of the same version, in good time`, () => {
    const script = open().serve(served).ask("EDS", ["a", "b", "c"]);
    assert.deepEqual(script.take(), ["EDS a@1 b@1 c@1"]);
    assert.equal(script.sends[0]?.form, "ttl");
    script.ack("EDS").take();
    const start = script.now;
    for (let beat = 1; beat <= 3; beat++) {
      assert.deepEqual(later(script), ["heartbeat: EDS a@1 c@1"]);
      assert.equal(script.now, start + beat * BEAT_MS);
      assert.equal(script.sends.at(-1).version, script.sends[0].version);
      assert.notEqual(script.sends.at(-1).nonce, script.sends.at(-2).nonce);
      assert.deepEqual(script.ack("EDS").take(), []);
    }
    assert.deepEqual(script.states("EDS"), ["a synced", "b synced", "c synced"]);
    assert.deepEqual(script.outcomes, ["acked EDS a@1 b@1 c@1"], "a heartbeat is no update");
  });

  test(`R25: ${variant}: a heartbeat goes only after the client answered, and changes go first`, () => {
    const script = open().serve(served).ask("EDS", ["a", "b", "c"]);
    script.take();
    script.now += TTL_MS;
    assert.deepEqual(script.take(), []);
    script.serve({ EDS: [mortal("EDS", "a@2"), "b@1", mortal("EDS", "c@1", 30_000)] });
    assert.deepEqual(script.ack("EDS").take(), ["EDS a@2"]);
    assert.deepEqual(script.ack("EDS").take(), ["EDS a@2 c@1"], "the beat that was due");
    assert.equal(script.sends.at(-1).form, "heartbeat");
  });

  test(`R25: ${variant}: what the client rejected has no heartbeat, what it kept has`, () => {
    const script = open()
      .serve({ EDS: [mortal("EDS", "a@1")] })
      .ask("EDS", ["a"]);
    script.take();
    script.ack("EDS").serve({ EDS: [mortal("EDS", "a@2")] });
    assert.deepEqual(script.take(), ["EDS a@2"]);
    assert.deepEqual(script.nack("EDS").take(), []);
    assert.deepEqual(later(script), ["heartbeat: EDS a@1"]);
    assert.equal(
      script.sends.at(-1).version,
      variant === "incremental" ? script.sends[1]?.version : script.sends[0]?.version,
    );
  });

  test(`R25: ${variant}: no heartbeat without a time to live, to a client that knows none, or for what it left`, () => {
    const immortal = open()
      .serve({ EDS: ["a@1"] })
      .ask("EDS", ["a"]);
    immortal.take();
    assert.deepEqual(immortal.ack("EDS").take(), []);
    assert.equal(immortal.wakeAt, undefined);

    const old = variant === "incremental" ? new DeltaScript() : new SotwScript();
    old.serve(served).ask("EDS", ["a"]);
    assert.deepEqual(old.take(), ["EDS a@1"]);
    assert.equal(old.sends[0]?.form, "plain");
    assert.deepEqual(old.ack("EDS").take(), []);
    assert.equal(old.wakeAt, undefined);

    const script = open().serve(served).ask("EDS", ["a", "b"]);
    script.take();
    if (script instanceof DeltaScript) script.ack("EDS", ["-a"]);
    else script.ack("EDS", ["b"]);
    script.now += TTL_MS;
    assert.deepEqual(script.take(), []);
  });
}

test("R25: a client that resumes with what it had gets a heartbeat at once: nobody knows how long it has waited", () => {
  const script = new DeltaScript(new ProxyMemory(), client).serve({ EDS: [mortal("EDS", "a@1")] });
  assert.deepEqual(script.ask("EDS", ["a", "a=1"]).take(), ["EDS a@1"]);
  assert.equal(script.sends[0]?.form, "heartbeat");

  const before = new SotwScript(new ProxyMemory(), client).serve({ EDS: [mortal("EDS", "a@1")] }).ask("EDS", ["a"]);
  before.take();
  const again = new SotwScript(new ProxyMemory(), client).serve({ EDS: [mortal("EDS", "a@1")] });
  assert.deepEqual(again.ask("EDS", ["a"], { version: before.version("EDS") }).take(), ["EDS a@1"]);
  assert.equal(again.sends[0]?.form, "heartbeat");
  assert.equal(again.sends[0].version, before.version("EDS"));
});

test("R9, R25: in the state of the world a heartbeat of clusters has them all, with their bodies", () => {
  const script = new SotwScript(new ProxyMemory(), client).serve({ CDS: [mortal("CDS", "a@1"), "b@1"] }).ask("CDS");
  script.take();
  script.ack("CDS").take();
  assert.deepEqual(later(script), ["ttl: CDS a@1 b@1"]);
});

test("R25: a virtual host has its body in a heartbeat: without one it would be unresolved", () => {
  const script = new DeltaScript(new ProxyMemory(), client).serve({ VHDS: [mortal("VHDS", "r/a@1")] });
  script.ask("VHDS", ["r/a"]).take();
  script.ack("VHDS").take();
  assert.deepEqual(later(script), ["ttl: VHDS r/a@1"]);
});

test("a time to live is part of the version, unless it is given, and is not too short", () => {
  const make = (ttlMs?: number): Resource => createResource("a", Type.EDS, Buffer.from("a"), ttlMs ? { ttlMs } : {});
  assert.notEqual(make(1_000).version, make().version);
  assert.notEqual(make(1_000).version, make(2_000).version);
  assert.throws(() => make(299), /resource a: the time to live is 299 ms, expected at least 300 ms/);
  assert.equal(createSnapshot([make(1_000), mortal("CDS", "b@1")]).sets.get(Type.EDS)?.shortestTtlMs, 1_000);
});
