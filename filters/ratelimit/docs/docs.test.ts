// Every configuration in the pages of the filter is good by the schema and by the filter.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Envoys, schemaOf } from "../../testing/filter.ts";

const folder = import.meta.dirname;
const envoys = new Envoys("ratelimit");
const pages = readdirSync(folder).filter((file) => file.endsWith(".md"));

const read = (page: string): string => readFileSync(join(folder, page), "utf8");

for (const page of [...pages, "../README.md"]) {
  const blocks = [...read(page).matchAll(/```json\n([^]*?)```/g)];
  for (const [i, [, text = ""]] of blocks.entries()) {
    test(`${page}, configuration ${String(i + 1)}`, async () => {
      const configuration: unknown = JSON.parse(text);
      const schema = await schemaOf("ratelimit");
      assert.ok(schema(configuration), JSON.stringify(schema.errors));
      await (await envoys.start()).worker(configuration);
    });
  }
}

/** The names of the fields of an object, by its definition in the schema. */
function fieldsOf(schema: object, definition: string): string[] {
  const { definitions } = schema as { definitions: Record<string, { properties: object }> };
  return Object.keys(definitions[definition]?.properties ?? {});
}

test("descriptors.md names every value, algorithms.md every algorithm, scopes.md every scope", () => {
  const schema = JSON.parse(readFileSync(join(folder, "../schema.json"), "utf8")) as {
    definitions: { limit: { properties: { scope: { enum: string[] } } } };
  };
  for (const value of fieldsOf(schema, "value"))
    assert.match(read("descriptors.md"), new RegExp(`^\\| \`${value}\` `, "m"));
  const algorithms = fieldsOf(schema, "override").filter((field) => field !== "name" && field !== "match");
  for (const algorithm of algorithms) assert.ok(read("algorithms.md").includes(`\`${algorithm}: {`), algorithm);
  for (const scope of schema.definitions.limit.properties.scope.enum)
    assert.ok(read("scopes.md").includes(`| \`${scope}\``), scope);
});
