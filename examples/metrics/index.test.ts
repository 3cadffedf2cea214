import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("metrics");

test("requests are counted by method and status", async () => {
  const filter = await testFilter(module);
  assert.equal(filter.gauge("requests_active"), 0);
  for (const [method, status] of [
    ["GET", 200],
    ["GET", 200],
    ["POST", 503],
  ] as const) {
    const stream = filter.stream();
    stream.send({ method });
    assert.equal(filter.gauge("requests_active"), 1);
    filter.advance(25);
    stream.respond({ status });
    stream.close();
  }
  assert.equal(filter.counter("requests;method=GET;status=200"), 2);
  assert.equal(filter.counter("requests;method=POST;status=503"), 1);
  assert.equal(filter.gauge("requests_active"), 0);
  assert.deepEqual(filter.histogram("request_milliseconds"), [25, 25, 25]);
});

test("made-up methods do not make metrics without end", async () => {
  const filter = await testFilter(module);
  for (let i = 0; i < 60; ++i) {
    const stream = filter.stream();
    stream.send({ method: `M${i}` });
    stream.close();
  }
  assert.equal(filter.counter("requests;method=M0;status=none"), 1);
  assert.equal(filter.counter("requests;method=other;status=other"), 10);
});
