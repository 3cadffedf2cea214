import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

test("tests of filters run in vitest", () => {
  const root = fileURLToPath(new URL("testdata/vitest", import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, "run", "--root", root, "--no-cache", "--reporter=json"],
    { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
  );
  assert.equal(status, 0, stdout + stderr);
  const { numPassedTests } = JSON.parse(stdout) as { readonly numPassedTests: number };
  assert.equal(numPassedTests, 2);
});
