import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { loadModel } from "./load.ts";
import { formatProblem } from "./problem.ts";

const text = readFileSync(new URL("../../docs/reference/resources.md", import.meta.url), "utf8");

/** All names of properties in a schema that are not refused. */
function fieldsOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, part]: [string, unknown]) =>
    key === "properties"
      ? Object.entries(part as object).flatMap(([name, field]) => [name, ...fieldsOf(field)])
      : fieldsOf(part),
  );
}

describe("docs/reference/resources.md", () => {
  it("has examples that are valid", () => {
    const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = ""]) => example);
    assert.equal(examples.length, 14);
    const result = loadModel(examples.map((example, index) => ({ path: `example ${index}`, text: example })));
    assert.deepEqual(result.ok ? [] : result.problems.map(formatProblem), []);
  });

  for (const name of [
    "metadata",
    "service",
    "route",
    "http-route",
    "grpc-route",
    "wasm-module",
    "filter-policy",
    "quota",
    "rollout",
    "envoy-patch",
    "telemetry",
    "mesh",
    "certificate",
  ]) {
    it(`names every field of ${name}.json`, () => {
      const schema: unknown = JSON.parse(readFileSync(new URL(`schemas/${name}.json`, import.meta.url), "utf8"));
      const missing = fieldsOf(schema).filter((field) => !new RegExp(`\\b${field}\\b`).test(text));
      assert.deepEqual([...new Set(missing)], []);
    });
  }
});

for (const [name, count] of [
  ["routes", 5],
  ["telemetry", 3],
] as const) {
  describe(`docs/guides/${name}.md`, () => {
    it("has examples that are valid, each with the Services of the first", () => {
      const guide = readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), "utf8");
      const [services = "", ...examples] = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(
        ([, example = ""]) => example,
      );
      assert.equal(examples.length, count);
      for (const example of examples) {
        const result = loadModel([services, example].map((content, index) => ({ path: `${index}`, text: content })));
        assert.deepEqual(result.ok ? [] : result.problems.map(formatProblem), []);
      }
    });
  });
}
