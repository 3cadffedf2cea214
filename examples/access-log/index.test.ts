import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("access-log");

const ended = (status: string, path: string) => ({
  request: { ":method": "GET", ":path": path, "x-user": "ada" },
  response: { ":status": status },
});

test("a line of JSON for what failed", async () => {
  const filter = await testFilter(module, { configuration: { minStatus: 400 } });
  filter.plugin.logStream(ended("200", "/"));
  filter.plugin.logStream(ended("404", '/a"b\\'));
  const [line = "", ...rest] = filter.logs("info");
  assert.deepEqual(rest, []);
  assert.deepEqual(JSON.parse(line), {
    status: 404,
    method: "GET",
    path: '/a"b\\',
    user: "ada",
    details: "via_upstream",
  });
});

test("what is not there is left out", async () => {
  const filter = await testFilter(module);
  filter.plugin.logStream({});
  assert.deepEqual(JSON.parse(filter.logs("info")[0] ?? ""), { status: 0 });
});
