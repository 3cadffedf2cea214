import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedData, testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("shared-counter");

test("two workers count together", async () => {
  const sharedData = new SharedData();
  const workers = await Promise.all([1, 2].map(() => testFilter(module, { sharedData })));
  const counts = [0, 1, 0, 1, 1].map((worker) => {
    const stream = workers[worker]?.stream();
    stream?.get("/");
    stream?.respond();
    return stream?.response.headers?.get("x-count");
  });
  assert.deepEqual(counts, ["1", "2", "3", "4", "5"]);
  for (const worker of workers) worker.close({ idle: true });
});
