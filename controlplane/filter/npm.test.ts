import assert from "node:assert/strict";
import { test } from "node:test";
import { npmCommand } from "./npm.ts";

test("the npm that runs us is the npm that we run", () => {
  const script = "/usr/lib/node_modules/npm/bin/npm-cli.js";
  assert.deepEqual(npmCommand({ npm_execpath: script }), [process.execPath, script]);
  assert.equal(npmCommand({ npm_execpath: "/usr/lib/yarn.js" }).length, 1);
  assert.equal(npmCommand({}).length, 1);
});
