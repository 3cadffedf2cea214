// Words of the SDK that need no Envoy to be seen at work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { moduleOf } from "./support/examples.ts";

test("the status of a response as a number, and a log line of bytes", async () => {
  const filter = await testFilter(await moduleOf("test/fixtures/small.ts", "test/fixtures", "fixtures/small"), {
    rootId: "small",
  });
  for (const [status, shown] of [
    ["200", 200],
    ["404", 404],
    ["099", 99],
    ["2x0", 0],
    ["2000", 0],
    ["", 0],
  ] as const) {
    const from = filter.logs().length;
    const stream = filter.stream();
    stream.get("/a?b");
    stream.responseHeaders({ ":status": status }, { endOfStream: true });
    stream.close();
    assert.deepEqual(filter.logs().slice(from), ["/a?b", "request 0", `response ${String(shown)}`]);
  }
  assert.equal(filter.logs("warn").length, 6);
  filter.close({ idle: true });
});
