import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { celRules } from "./cel-rules.ts";
import { definitionFiles } from "./files.ts";

const folder = join(import.meta.dirname, "../../../deploy/crds");

describe("deploy/crds", () => {
  test("is what npm run crds makes of the schemas now", () => {
    const files = definitionFiles();
    assert.deepEqual(readdirSync(folder).sort(), [...files.keys()].sort());
    for (const [name, text] of files) assert.equal(readFileSync(join(folder, name), "utf8"), text, name);
  });
});

describe("conditions as rules in CEL", () => {
  const fields = new Map([
    ["type", { type: "string" }],
    ["path", { type: "string" }],
    ["free", {}],
  ]);
  const onType = { properties: { type: { const: "HTTP" } }, required: ["type"] };

  test("what is needed, and what is not allowed", () => {
    const schema = {
      if: onType,
      then: { required: ["path"] },
      else: { properties: { path: { not: {}, description: "Only with type HTTP." } } },
    };
    assert.deepEqual(celRules(schema, fields), [
      {
        rule: '!(has(self.type) && self.type == "HTTP") || has(self.path)',
        message: "path is required with type HTTP",
      },
      { rule: '!(!(has(self.type) && self.type == "HTTP")) || !has(self.path)', message: "path: only with type HTTP" },
    ]);
  });

  test("of a field that may be of any type, CEL says nothing", () => {
    assert.deepEqual(celRules({ if: onType, then: { required: ["free"] } }, fields), []);
  });

  test("a form that is not known is not left out in silence", () => {
    assert.throws(() => celRules({ if: onType, then: { properties: { path: { minLength: 1 } } } }, fields), /path/);
    assert.throws(() => celRules({ if: { required: ["type", "path"] }, then: {} }, fields), /other than one field/);
  });
});
