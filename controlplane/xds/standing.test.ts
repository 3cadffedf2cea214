import assert from "node:assert/strict";
import { test } from "node:test";

import { DeltaScript, SotwScript, Type } from "./testdata/script.ts";

for (const [variant, script] of [
  ["state of the world", () => new SotwScript()],
  ["incremental", () => new DeltaScript()],
] as const) {
  test(`${variant}: a client has settled when it answered all that it asked for`, () => {
    const client = script().serve({ CDS: ["a@1"], LDS: ["l@1"] });
    client.ask("CDS").take();
    assert.equal(client.standing, "unsettled");
    client.ack("CDS").take();
    assert.equal(client.standing, "settled");
    client.serve({ CDS: ["a@2"], LDS: ["l@2"] }).take();
    assert.equal(client.standing, "unsettled");
    client.ack("CDS").take();
    assert.equal(client.standing, "settled");
  });

  test(`${variant}: a client that rejected what it lacks is rejecting until there is something else`, () => {
    const client = script().serve({ RDS: ["a@1"] });
    client.ask("RDS", ["a"]).take();
    client.nack("RDS").take();
    assert.equal(client.standing, "rejecting");
    client.serve({ RDS: ["a@2"] }).take();
    assert.equal(client.standing, "unsettled");
    client.ack("RDS").take();
    assert.equal(client.standing, "settled");
  });

  test(`${variant}: a client that rejects one type and has not answered another is unsettled`, () => {
    const client = script().serve({ CDS: ["c@1"], RDS: ["a@1"] });
    client.ask("CDS").take();
    client.ack("CDS").ask("RDS", ["a"]).take();
    client.nack("RDS").take();
    client.serve({ CDS: ["c@2"], RDS: ["a@1"] }).take();
    assert.equal(client.standing, "unsettled");
    client.ack("CDS").take();
    assert.equal(client.standing, "rejecting");
  });

  test(`${variant}: a client is behind since the first response that it has not answered`, () => {
    const client = script().serve({ CDS: ["a@1"] });
    const since = (): number | undefined => client.status.find(({ typeUrl }) => typeUrl === Type.CDS)?.unansweredSince;
    client.ask("CDS").take();
    assert.equal(since(), 1_000);
    client.now = 2_000;
    client.ack("CDS").take();
    assert.equal(since(), undefined);
    client.serve({ CDS: ["a@2"] }).take();
    const nonce = client.nonce("CDS");
    // Nothing comes, so it is sent what is newer.
    client.now = 20_000;
    assert.deepEqual(client.serve({ CDS: ["a@3"] }).take(), ["CDS a@3"]);
    assert.equal(since(), 2_000);
    // It comes late, and is about what was sent before.
    client.ask("CDS", [], { nonce });
    assert.equal(since(), 20_000);
    client.ack("CDS");
    assert.equal(since(), undefined);
  });
}
