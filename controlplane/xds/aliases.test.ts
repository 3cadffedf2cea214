import assert from "node:assert/strict";
import { test } from "node:test";

import { createResource, type Resource } from "./index.ts";
import { DeltaScript, Type } from "./testdata/script.ts";

/** A virtual host written as `name@version`, and its other names. */
function host(text: string, ...aliases: string[]): Resource {
  const [name = "", version = ""] = text.split("@");
  return createResource(name, Type.VHDS, Buffer.from(text), { version, aliases });
}

test("R20: a name is subscribed by an alias, gets what changes, and is left by the alias", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com", "r/a.org"), host("r/b@1", "r/b.com")] });
  assert.deepEqual(client.ask("VHDS", ["r/a.com"]).take(), ["VHDS r/a@1"]);
  assert.deepEqual(client.sends[0]?.resources[0]?.aliases, ["r/a.com", "r/a.org"]);
  client.ack("VHDS").serve({ VHDS: [host("r/a@2", "r/a.com"), host("r/b@2", "r/b.com")] });
  assert.deepEqual(client.take(), ["VHDS r/a@2"]);
  assert.deepEqual(client.ack("VHDS", ["-r/a.com"]).take(), []);
  assert.deepEqual(client.serve({ VHDS: [host("r/a@3", "r/a.com")] }).take(), []);
});

test("R20: two names of one resource get it once, and it stays until the last of them is left", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com", "r/a.org")] });
  assert.deepEqual(client.ask("VHDS", ["r/a.com", "r/a.org", "r/a"]).take(), ["VHDS r/a@1"]);
  client.ack("VHDS", ["-r/a.com", "-r/a"]).serve({ VHDS: [host("r/a@2", "r/a.org")] });
  assert.deepEqual(client.take(), ["VHDS r/a@2"]);
});

test("a name that many resources have as an alias gets all of them: so a route configuration has a base set", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r"), host("r/b@1", "r"), host("r/c@1", "r/c.com")] });
  assert.deepEqual(client.ask("VHDS", ["r"]).take(), ["VHDS r/a@1 r/b@1"]);
  assert.deepEqual(client.ack("VHDS", ["r/c.com"]).take(), ["VHDS r/c@1"]);
});

test("R15: an alias that is asked for again is sent again", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com")] }).ask("VHDS", ["r/a.com"]);
  client.take();
  assert.deepEqual(client.ack("VHDS", ["r/a.com"]).take(), ["VHDS r/a@1"]);
  assert.deepEqual(client.ack("VHDS").take(), []);
});

test("R16: an alias that nothing has is answered, and gets what comes to have it; which may go and come back", () => {
  const client = new DeltaScript().serve({}).ask("VHDS", ["r/a.com"]);
  assert.deepEqual(client.take(), ["VHDS r/a.com@"]);
  const [unresolved] = client.sends[0]?.resources ?? [];
  assert.deepEqual([unresolved?.aliases, unresolved?.body.length], [["r/a.com"], 0], "as Envoy wants to be told");
  assert.deepEqual(client.ack("VHDS").take(), []);
  const served = { VHDS: [host("r/a@1", "r/a.com")] };
  assert.deepEqual(client.serve(served).take(), ["VHDS r/a@1"]);
  assert.deepEqual(client.ack("VHDS").serve({}).take(), ["VHDS r/a.com@ -r/a"]);
  assert.deepEqual(client.ack("VHDS").serve(served).take(), ["VHDS r/a@1"]);
});

test("R16: for other types than virtual hosts, an alias that nothing has is among those removed", () => {
  assert.deepEqual(new DeltaScript().serve({}).ask("RTDS", ["a"]).take(), ["RTDS -a"]);
});

test("R18: an alias is left while the wildcard covers its resource", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com")] }).ask("VHDS", ["*", "r/a.com"]);
  assert.deepEqual(client.take(), ["VHDS r/a@1"]);
  assert.deepEqual(client.ack("VHDS", ["-r/a.com"]).take(), ["VHDS r/a@1"]);
});

test("an alias that moves takes the old resource away and brings the new one", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/x.com"), host("r/b@1")] }).ask("VHDS", ["r/x.com"]);
  client.take();
  client.ack("VHDS").serve({ VHDS: [host("r/a@2"), host("r/b@2", "r/x.com")] });
  assert.deepEqual(client.take(), ["VHDS r/b@2 -r/a"]);
  assert.deepEqual(client.ack("VHDS").take(), []);
});

test("R7: what was rejected under an alias is not sent again by the rejection, or by other requests", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com")] }).ask("VHDS", ["r/a.com"]);
  client.take();
  assert.deepEqual(client.nack("VHDS").take(), []);
  assert.deepEqual(client.ask("VHDS", ["r/b.com"]).take(), ["VHDS r/b.com@"]);
  assert.deepEqual(client.ack("VHDS").take(), []);
  assert.deepEqual(client.states("VHDS"), ["r/a rejected"]);
});

test("what a client left by its alias and covers again while it was on its way is told again", () => {
  const client = new DeltaScript().serve({ VHDS: [host("r/a@1", "r/a.com")] }).ask("VHDS", ["r/a.com"]);
  client.take();
  client.ask("VHDS", ["-r/a.com"]).ask("VHDS", ["r/a"]);
  assert.deepEqual(client.ack("VHDS").take(), ["VHDS r/a@1"]);
});
