import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatSignature, importSignature, inspectModule } from "@meshwright/host";
import { filterNames } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";

/** Every import that the SDK declares, with the number of its parameters. */
const declared = new Map(
  [
    ...readFileSync(join(root, "assembly", "abi", "imports.ts"), "utf8").matchAll(
      /@external\("env", "(\w+)"\)\nexport declare function (\w+)\(([^)]*)\): Status;/g,
    ),
  ].map(([, external = "", name = "", parameters = ""]) => {
    assert.equal(name, external, "the SDK names a function as the ABI does");
    const types = [...parameters.matchAll(/\w+: (\w+)/g)].map((match) => (/64$/.test(match[1] ?? "") ? "i64" : "i32"));
    return [name, types];
  }),
);

describe("the SDK and the ABI table", () => {
  test("there is something to compare", () => assert.ok(declared.size >= 25));

  for (const [name, params] of declared) {
    test(`${name} has the type that Envoy gives it`, () => {
      const signature = importSignature("env", name, "0.2.1");
      assert.ok(signature, `${name} is no function of the ABI`);
      assert.equal(formatSignature({ params, results: ["i32"] }), formatSignature(signature));
    });
  }
});

describe("built modules", () => {
  test("every filter is built", () => {
    const built = readdirSync(join(root, "build")).filter((name) => name.endsWith(".wasm"));
    for (const name of filterNames()) assert.ok(built.includes(`${name}.wasm`), name);
  });

  for (const name of filterNames()) {
    test(`${name} imports and exports only what the ABI knows, with its types`, () => {
      const inspection = inspectModule(readFileSync(join(root, "build", `${name}.wasm`)));
      assert.deepEqual(inspection.problems, []);
      assert.deepEqual(inspection.warnings, []);
      assert.equal(inspection.abiVersion, "0.2.1");
    });
  }
});
