import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { Envoy, filterModule } from "../testing/filter.ts";
import { hostileRequests } from "../testing/hostile.ts";

let module: Uint8Array;

before(async () => {
  module = await filterModule("ab-routing");
});

test("no request makes the filter trap, and each gets one of the variants", async () => {
  const envoy = new Envoy(module);
  const worker = await envoy.worker({
    experiments: [
      {
        name: "everything",
        header: "x-variant",
        responseHeader: "x-told",
        filterState: true,
        rules: [
          { match: { path: { suffix: "a" }, headers: [{ name: "x-key", contains: "a" }] }, variant: "a" },
          { match: { cookies: [{ name: "uid", suffix: "a" }] }, variant: "b" },
        ],
        split: {
          key: [
            { cookie: "uid" },
            { header: "x-key" },
            { clientAddress: { xForwardedForPosition: 1 } },
            { property: ["request", "headers", "x-other"] },
            { path: {} },
          ],
          variants: [
            { name: "a", weight: 5000 },
            { name: "b", weight: 5000 },
          ],
        },
        default: "a",
      },
    ],
  });
  fc.assert(
    fc.property(hostileRequests, (request) => {
      const stream = worker.send(request);
      assert.equal(worker.trap, undefined);
      const told = stream.request.headers?.getAll("x-variant") ?? [];
      assert.equal(told.length, 1);
      assert.ok(told[0] === "a" || told[0] === "b", told[0]);
      assert.deepEqual(stream.response.headers?.getAll("x-told"), told);
      assert.equal(stream.filterState("ab.everything"), told[0]);
    }),
    { numRuns: 2000 },
  );
  envoy.close();
});

test("a request that ends before its headers were seen does no harm", async () => {
  const envoy = new Envoy(module);
  const experiment = { name: "a", header: "x-a", responseHeader: "x-told", default: "off" };
  const worker = await envoy.worker({ experiments: [experiment] });
  worker.abandon();
  assert.equal(worker.trap, undefined);
  assert.equal(envoy.metric("ab.a.off"), 0);
  envoy.close();
});
