import assert from "node:assert/strict";
import { test } from "node:test";
import type { Translation } from "../translate/index.ts";
import type { NodeInfo } from "../xds/index.ts";
import { EarlierTranslations } from "./earlier-translations.ts";

test("what was replaced is known for a minute, latest first, and what is served again is not among it", () => {
  const node = { id: "a", cluster: "a" } as NodeInfo;
  const [a, b, c] = ["a", "b", "c"].map(
    (name) => ({ snapshotFor: () => ({ snapshot: name }) }) as unknown as Translation,
  );
  assert.ok(a && b && c);
  const earlier = new EarlierTranslations();
  const known = (): unknown[] => [...earlier.snapshots(node)];
  const start = Date.now();
  earlier.replace([a], start);
  assert.deepEqual(known(), []);
  earlier.replace([a, b], start + 1);
  assert.deepEqual(known(), []);
  earlier.replace([b], start + 2);
  earlier.replace([c], start + 3);
  assert.deepEqual(known(), ["b", "a"]);
  earlier.replace([a], start + 4);
  assert.deepEqual(known(), ["c", "b"]);
  earlier.replace([a], start + 60_003);
  assert.deepEqual(known(), ["c"]);
  earlier.stop();
});
