import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("grpc-callout");

async function waiting() {
  const filter = await testFilter(module, { configuration: { cluster: "quota" } });
  const stream = filter.stream();
  assert.ok(stream.get("/", { "x-user": "ada" }).paused);
  return { filter, stream, call: filter.grpcCall("example.quota.v1.Quota") };
}

test("a user with quota goes on", async () => {
  const { filter, stream, call } = await waiting();
  assert.equal(call.method, "Take");
  assert.deepEqual(call.messageTexts, ["\n\x03ada"]);
  call.reply(Uint8Array.of(0x08, 1, 0x10, 2));
  assert.equal(stream.request.headers?.get("x-quota-left"), "2");
  filter.close({ idle: true });
});

for (const [what, reply, status] of [
  ["an empty message", [], 429],
  ["allowed: false", [0x08, 0], 429],
  ["what is no message", [0x08], 503],
] as const) {
  test(`the service answers ${what}: ${status}`, async () => {
    const { stream, call } = await waiting();
    call.reply(Uint8Array.from(reply));
    assert.equal(stream.localResponse?.status, status);
  });
}

test("the call fails, or takes too long: 503", async () => {
  const failed = await waiting();
  failed.call.end({ status: 14, message: "not now" });
  assert.equal(failed.stream.localResponse?.status, 503);
  const late = await waiting();
  late.filter.advance("200ms");
  assert.equal(late.stream.localResponse?.status, 503);
});
