import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Pace, Queue } from "./pace.ts";

/** Does what takes longer than one slice. */
function work(): void {
  const until = performance.now() + 12;
  while (performance.now() < until);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("long work", () => {
  it("lets others have a turn between its slices", async () => {
    const pace = new Pace();
    assert.equal(pace.isDue, false);
    work();
    assert.equal(pace.isDue, true);
    let others = 0;
    setImmediate(() => ++others);
    await pace.rest();
    assert.equal(others, 1);
    assert.equal(pace.isDue, false);
  });

  it("of a queue is done once for each member, a slice at a time", async () => {
    const done: string[] = [];
    const queue = new Queue<string>((item) => {
      done.push(item);
      work();
    });
    queue.add(["a", "b"]);
    queue.add(["b", "c", "d"]);
    queue.delete("c");
    assert.deepEqual(done, []);
    await turn();
    assert.deepEqual(done, ["a"]);
    queue.add(["a"]);
    while (!queue.isEmpty) await turn();
    assert.deepEqual(done, ["a", "b", "d", "a"]);
  });

  it("of a queue goes on after a step that adds to it", async () => {
    const done: number[] = [];
    const queue = new Queue<number>((item) => {
      done.push(item);
      if (item < 3) queue.add([item + 1]);
    });
    queue.add([1]);
    while (!queue.isEmpty) await turn();
    assert.deepEqual(done, [1, 2, 3]);
  });
});
