import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedQueues, testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("queue");

test("what the filter puts into the queue, the service counts and tells", async () => {
  const sharedQueues = new SharedQueues();
  const sender = await testFilter(module, { rootId: "sender", sharedQueues });
  const answer = (status: number): void => {
    const stream = sender.stream();
    stream.get("/");
    stream.respond({ status });
    stream.close();
  };
  answer(200); // The service is not there yet.
  const tally = await testFilter(module, { rootId: "tally", sharedQueues });
  for (const status of [200, 200, 404]) answer(status);
  tally.advance("5s");
  assert.equal(tally.counter("answers;status=200"), 2);
  assert.equal(tally.counter("answers;status=404"), 1);
  assert.deepEqual(tally.logs("info"), ["3 answers in the last 5 s"]);
  sender.close({ idle: true });
  tally.close({ idle: true });
});
