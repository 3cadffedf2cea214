import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("tcp-echo-guard");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const guard = () => testFilter(module, { configuration: { word: "open sesame" } });

test("the first line opens, in one piece or in several, and does not pass", async () => {
  const filter = await guard();
  for (const pieces of [["open sesame\nhello"], ["open ", "sesame", "\n", "hello"], ["open sesame\n", "hel", "lo"]]) {
    const connection = filter.connection();
    for (const piece of pieces) connection.downstreamData(piece);
    assert.equal(text(connection.upstream.data), "hello");
    connection.upstreamData("hello");
    assert.equal(text(connection.downstream.data), "hello");
    connection.close();
  }
  assert.equal(filter.counter("guard.accepted"), 3);
  filter.close({ idle: true });
});

for (const [what, data, options] of [
  ["another word", "open sesam\n", {}],
  ["a line without an end", "x".repeat(256), {}],
  ["the end", "open sesame", { endOfStream: true }],
] as const) {
  test(`${what}: the connection is closed, and nothing passes`, async () => {
    const filter = await guard();
    const connection = filter.connection();
    connection.downstreamData(data, options);
    assert.equal(connection.closedBy, "local");
    assert.equal(connection.upstream.data.length, 0);
    filter.close({ idle: true });
  });
}
