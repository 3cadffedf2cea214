import assert from "node:assert/strict";
import { test } from "node:test";

import { createResource, createResourceSet, TypeUrl } from "./index.ts";
import { Subscription } from "./subscription.ts";

const resources = ["a", "b"].map((name) => createResource(name, TypeUrl.cluster, Buffer.from(name)));
const set = createResourceSet(TypeUrl.cluster, resources);

/** The subscribed names, missing ones with a question mark, and whether it is a wildcard. */
function show(subscription: Subscription): string {
  const names = Array.from(subscription.covered(set), ([name, resource]) => (resource ? name : `${name}?`));
  return `${names.join(" ")}${subscription.wildcard ? " (*)" : ""}`;
}

test("R10: the wildcard of the state of the world", async (t) => {
  const table: [requests: string[][], expected: string, why: string][] = [
    [[[]], "a b (*)", "no name ever: legacy wildcard"],
    [[["*"]], "a b (*)", "an explicit wildcard"],
    [[["a"]], "a", "a name"],
    [[["c"]], "c?", "a name that does not exist"],
    [[[], ["a"]], "a", "a name ends the legacy wildcard"],
    [[["a"], []], "", "nothing after a name: unsubscribed from all"],
    [[["*"], []], "", "nothing after an explicit wildcard: unsubscribed from all"],
    [[["*", "a"], ["a"]], "a", "leaves the wildcard, keeps the name"],
    [[["*", "c"]], "a b c? (*)", "wildcard and a name that does not exist"],
    [[["a", "b"]], "a b", "all by name"],
  ];
  for (const [requests, expected, why] of table) {
    await t.test(why, () => {
      const subscription = new Subscription();
      for (const names of requests) subscription.replace(names);
      assert.equal(show(subscription), expected);
    });
  }
});

test("R19: the wildcard of the incremental variant", async (t) => {
  const table: [requests: [subscribe: string[], unsubscribe: string[]][], expected: string, why: string][] = [
    [[[[], []]], "a b (*)", "a first request without names: legacy wildcard"],
    [[[[], ["a"]]], "a b (*)", "a first request that only unsubscribes: legacy wildcard"],
    [
      [
        [[], []],
        [["a"], []],
      ],
      "a b (*)",
      "a later name keeps the legacy wildcard",
    ],
    [
      [
        [["a"], []],
        [[], []],
      ],
      "a",
      "a later request without names changes nothing",
    ],
    [[[["*"], []]], "a b (*)", "an explicit wildcard"],
    [
      [
        [["*", "a"], []],
        [[], ["*"]],
      ],
      "a",
      "leaving the wildcard keeps the name",
    ],
    [
      [
        [[], []],
        [[], ["*"]],
      ],
      "",
      "leaving the legacy wildcard",
    ],
    [
      [
        [["*", "a"], []],
        [[], ["a"]],
      ],
      "a b (*)",
      "leaving the name keeps the wildcard",
    ],
    [
      [
        [["a"], []],
        [["c"], ["a"]],
      ],
      "c?",
      "both at once",
    ],
  ];
  for (const [requests, expected, why] of table) {
    await t.test(why, () => {
      const subscription = new Subscription();
      requests.forEach(([subscribe, unsubscribe], i) => subscription.update(subscribe, unsubscribe, i === 0));
      assert.equal(show(subscription), expected);
    });
  }
});

test("an incremental request tells which names were asked for and which were left", () => {
  const subscription = new Subscription();
  assert.deepEqual(subscription.update(["a", "*"], ["never"], true), { asked: ["a"], left: [] });
  assert.deepEqual(subscription.update(["a"], ["a", "*"], false), { asked: ["a"], left: ["a"] });
});

test("a subscription to everything shares the map of the set", () => {
  const wildcard = new Subscription();
  wildcard.replace([]);
  assert.equal(wildcard.covered(set), set.resources);
  const named = new Subscription();
  named.replace(["b", "a"]);
  assert.equal(named.covered(set), set.resources);
});
