import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Changes, type Convergence, type OpenStream } from "./changes.ts";

let changes: Changes;
let told: Convergence[];
let a: OpenStream;
let b: OpenStream;

beforeEach(() => {
  told = [];
  changes = new Changes((convergence) => told.push(convergence));
  a = changes.open("a", "delta");
  b = changes.open("b", "sotw");
});

/** The stream is told of what there is and has it at once. */
function take(stream: OpenStream, now: number, isRejecting = false): void {
  changes.refreshed(stream);
  changes.settled(stream, isRejecting, now);
}

describe("a change is with all", () => {
  test("when the last sidecar that was connected has it", () => {
    changes.applied(1_000);
    take(a, 1_010);
    assert.deepEqual([told, changes.counts().pending], [[], 1]);
    take(b, 1_250);
    assert.deepEqual(told, [{ change: 1, appliedAt: 1_000, endedAt: 1_250, rejected: false }]);
    assert.equal(changes.counts().pending, 0);
  });

  test("when the last sidecar without it is gone", () => {
    changes.applied(1_000);
    take(a, 1_010);
    changes.closed(b, 1_020);
    assert.deepEqual(told, [{ change: 1, appliedAt: 1_000, endedAt: 1_020, rejected: false }]);
  });

  test("not when a sidecar settles with what was before", () => {
    changes.applied(1_000);
    take(a, 1_010);
    changes.settled(b, false, 1_020);
    assert.deepEqual(told, []);
  });

  test("also for a sidecar that rejects it, and that is told", () => {
    changes.applied(1_000);
    take(a, 1_010, true);
    take(b, 1_020);
    assert.deepEqual(told, [{ change: 1, appliedAt: 1_000, endedAt: 1_020, rejected: true }]);
    assert.equal(changes.counts().rejecting, 1);
    take(a, 1_030);
    assert.equal(changes.counts().rejecting, 0);
  });

  test("without those that came later", () => {
    changes.applied(1_000);
    const c = changes.open("c", "delta");
    take(a, 1_010);
    take(b, 1_020);
    assert.equal(told.length, 1);
    assert.equal(changes.dueOf(c), undefined);
  });

  test("with the one after it, for a sidecar that was never sent it alone", () => {
    changes.applied(1_000);
    take(a, 1_010);
    changes.applied(2_000);
    take(a, 2_010);
    take(b, 2_020);
    assert.deepEqual(
      told.map(({ change, endedAt, appliedAt }) => [change, endedAt - appliedAt]),
      [
        [1, 1_020],
        [2, 20],
      ],
    );
  });
});

test("a response belongs to the latest change that the stream was told of", () => {
  changes.applied(1_000);
  assert.equal(changes.dueOf(a), undefined, "it was not told of it");
  changes.refreshed(a);
  assert.equal(changes.dueOf(a)?.number, 1);
  changes.applied(2_000);
  assert.equal(changes.dueOf(a)?.number, 1);
  changes.refreshed(a);
  assert.equal(changes.dueOf(a)?.number, 2);
});

test("a change without sidecars tells nothing", () => {
  changes.closed(a, 1);
  changes.closed(b, 1);
  changes.applied(1_000);
  assert.deepEqual([told, changes.counts()], [[], { streams: { delta: 0, sotw: 0 }, pending: 0, rejecting: 0 }]);
});

test("a sidecar that never answers costs no memory for each change", () => {
  for (let i = 0; i < 1_000; i++) {
    changes.applied(i);
    take(a, i);
  }
  take(b, 5_000);
  assert.ok(told.length <= 101, String(told.length));
  assert.deepEqual(told.map(({ change }) => change).slice(-1), [1_000]);
});
