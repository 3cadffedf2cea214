// Every example is good by the schema and by the filter, and decides as its table says.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compare, Explainer, formatExplanation, readRequests } from "../../../controlplane/authz/index.ts";
import { importPolicies } from "../../../controlplane/import/index.ts";
import type { JsonObject } from "../../../controlplane/model/index.ts";
import { filterModule, schemaOf } from "../../testing/filter.ts";

const folder = import.meta.dirname;
const files = readdirSync(folder);
const names = files.flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));

const read = (file: string): string => readFileSync(join(folder, file), "utf8");
const configurationOf = (name: string): JsonObject => JSON.parse(read(`${name}.json`)) as JsonObject;

test("every example has a table, and every table an example", () => {
  const tables = files.flatMap((file) => (file.endsWith(".requests.yaml") ? [file.replace(".requests.yaml", "")] : []));
  assert.deepEqual(tables.sort(), [...names].sort());
  const page = read("README.md");
  for (const name of names) assert.ok(page.includes(`${name}.json`), `README.md names ${name}.json`);
});

for (const name of names) {
  describe(name, async () => {
    const configuration = configurationOf(name);
    const table = readRequests({ path: `${name}.requests.yaml`, text: read(`${name}.requests.yaml`) });
    const explainer = await Explainer.create({ configuration, module: await filterModule("authz") });

    test("is good by the schema", async () => {
      const schema = await schemaOf("authz");
      assert.ok(schema(configuration), JSON.stringify(schema.errors));
      assert.equal(table.configuration, `${name}.json`);
    });

    for (const request of table.requests) {
      assert.ok(request.name !== undefined && request.expect !== undefined, `${name}: a name and what is expected`);
      test(request.name, async () => {
        const explanation = await explainer.explain(request);
        assert.deepEqual(compare(request.expect, explanation), [], formatExplanation(explanation).join("\n"));
      });
    }
  });
}

test("from-rbac.json is what is imported", () => {
  const file = { path: "from-rbac.envoy.yaml", text: read("from-rbac.envoy.yaml") };
  const options = { trustedHops: 1, trustDomain: "cluster.local", rootNamespace: "istio-system" };
  const { imported, findings } = importPolicies([file], options);
  assert.deepEqual(
    imported.map((one) => one.filter === "authz" && one.configuration),
    [configurationOf("from-rbac")],
  );
  assert.deepEqual(findings, []);
});
