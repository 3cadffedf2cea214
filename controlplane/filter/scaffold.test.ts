import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { FilterError } from "./filter-error.ts";
import { scaffold } from "./scaffold.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-scaffold-"));
after(() => rmSync(folder, { recursive: true }));

describe("a new project is refused, and nothing written,", () => {
  const names = ["", "A", "my filter", "-a", "a-", "a--b", "1a", "../a", "a/b", "a.b", "ä", "a".repeat(64)];
  for (const name of names) {
    test(`under the name "${name}"`, () => {
      assert.throws(() => scaffold(name, join(folder, "new")), {
        constructor: FilterError,
        message: /expected a name/,
      });
      assert.ok(!existsSync(join(folder, "new")));
    });
  }

  test("in a folder that holds something", () => {
    const full = join(folder, "full");
    mkdirSync(full);
    writeFileSync(join(full, "mine"), "");
    assert.throws(() => scaffold("a", full), {
      constructor: FilterError,
      message: /is there already; nothing was changed/,
    });
    assert.deepEqual(readdirSync(full), ["mine"]);
  });
});
