import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";

const module = new URL("../build/__NAME__.wasm", import.meta.url);

test("greets who calls", async () => {
  const filter = await testFilter(module, { rootId: "__NAME__", configuration: { greeting: "hello" } });

  const stream = filter.stream();
  stream.get("/", { "x-user": "ada" });
  stream.respond({ status: 200, body: "ok" });
  assert.equal(stream.response.headers.get("x-greeting"), "hello, ada");

  const another = filter.stream();
  another.get("/");
  another.respond();
  assert.equal(another.response.headers.get("x-greeting"), "hello, stranger");
  filter.close();
});

test("refuses a configuration without a greeting", async () => {
  await assert.rejects(testFilter(module, { rootId: "__NAME__", configuration: {} }), /greeting: expected a string/);
});
