import assert from "node:assert/strict";
import { test } from "node:test";
import { compareScripts } from "./conformance/run-scripts.ts";

/** `npm run conformance` runs as many as one likes, of other seeds. */
const SEED = 20;
const COUNT = 120;

test(`the host and Envoy make the same of ${COUNT} generated filters and exchanges`, async () => {
  const disagreements = await compareScripts(SEED, COUNT);
  assert.deepEqual(
    disagreements.map(({ script, host }) => ({ name: script.name, lines: host })),
    disagreements.map(({ script, envoy }) => ({ name: script.name, lines: envoy })),
  );
});
