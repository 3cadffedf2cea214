import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("hello");

test("the caller is greeted by name", async () => {
  const filter = await testFilter(module);
  for (const [headers, greeted] of [
    [{ "x-user": "ada" }, "ada"],
    [{}, "stranger"],
  ] as const) {
    const stream = filter.stream();
    stream.get("/", headers);
    stream.respond();
    assert.equal(stream.response.headers?.get("x-hello"), greeted);
  }
  filter.close({ idle: true });
});
