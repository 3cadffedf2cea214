import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configurationPath, ConfigurationSchema, filterProblem } from "./configuration.ts";
import { readDocuments } from "./document.ts";
import type { Document } from "./document.ts";
import { formatProblem } from "./problem.ts";

/** A configuration, one line of YAML flow style, as it stands in line 3 of a policy. */
function policy(configuration: string): Document {
  const [document] = readDocuments({
    path: "p.yaml",
    text: `kind: FilterPolicy\nspec:\n  configuration: ${configuration}\n`,
  }).documents;
  assert.ok(document);
  return document;
}

function faults(schema: object, configuration: string): string[] {
  const parsed = ConfigurationSchema.parse("s.json", JSON.stringify(schema));
  assert.deepEqual(parsed.problems, []);
  const { value, origin } = policy(configuration);
  const { spec } = value as { spec: { configuration: unknown } };
  const problems = parsed.schema?.check(spec.configuration, origin, configurationPath) ?? [];
  return problems.map(formatProblem).map((line) => line.replace(/^p\.yaml:3:\d+: spec\.configuration\.?/, ""));
}

describe("the explanation of a schema fault", () => {
  const of = (schema: object): object => ({ properties: { x: schema } });
  const shape = {
    oneOf: [
      {
        type: "object",
        properties: { kind: { const: "circle" }, radius: { type: "number" } },
        required: ["kind", "radius"],
        additionalProperties: false,
      },
      {
        type: "object",
        properties: { kind: { const: "square" }, side: { type: "number" }, name: { type: "string" } },
        required: ["kind", "side"],
        additionalProperties: false,
      },
    ],
  };
  const cases: [schema: object, configuration: string, expected: string[]][] = [
    [of({ type: "integer" }), '{ x: "5" }', ['x: expected integer, found string "5"']],
    [
      of({ type: "integer", minimum: 1, maximum: 9 }),
      "{ x: five }",
      ['x: expected integer of at least 1 and at most 9, found string "five"'],
    ],
    [of({ type: "integer" }), "{ x: 1.5 }", ["x: expected integer, found number 1.5"]],
    [of({ type: ["string", "null"] }), "{ x: [] }", ["x: expected string or null, found array"]],
    [of({ type: "object" }), "{ x: null }", ["x: expected object, found null"]],
    [of({ type: "string", pattern: "a" }), "{ x: 1 }", ["x: expected string, found integer 1"]],
    [
      of({ type: "string", pattern: "^[0-9]+$", writeOnly: true }),
      "{ x: s3cret }",
      ["x: expected text that matches ^[0-9]+$, found string (hidden)"],
    ],
    [of({ type: "integer", writeOnly: true }), "{ x: s3cret }", ["x: expected integer, found string (hidden)"]],
    [of({ const: 5 }), "{ x: 6 }", ["x: expected 5, found integer 6"]],
    [
      of({ enum: ["token", "leaky"] }),
      "{ x: tokne }",
      ['x: expected one of "token", "leaky", found string "tokne" (did you mean "token"?)'],
    ],
    [of({ pattern: "^a+$" }), "{ x: b }", ['x: expected text that matches ^a+$, found string "b"']],
    [of({ pattern: "^a+$", patternErrorMessage: "some a" }), "{ x: b }", ['x: expected some a, found string "b"']],
    [
      of({ type: "integer", minimum: 1, maximum: 9 }),
      "{ x: 10 }",
      ["x: expected integer of at least 1 and at most 9, found integer 10"],
    ],
    [of({ exclusiveMinimum: 0 }), "{ x: 0 }", ["x: expected number of more than 0, found integer 0"]],
    [of({ multipleOf: 5 }), "{ x: 7 }", ["x: expected a multiple of 5, found integer 7"]],
    [of({ minLength: 1 }), "{ x: '' }", ["x: must not be empty"]],
    [of({ maxLength: 2 }), "{ x: abc }", ['x: expected at most 2 characters, found string "abc"']],
    [of({ minItems: 1 }), "{ x: [] }", ["x: expected at least 1 item, found 0"]],
    [of({ maxItems: 2 }), "{ x: [1, 2, 3] }", ["x: expected at most 2 items, found 3"]],
    [of({ uniqueItems: true }), "{ x: [a, b, a] }", ["x: items 0 and 2 are equal, expected distinct items"]],
    [of({ minProperties: 1 }), "{ x: {} }", ["x: expected at least 1 field, found 0"]],
    [of(false as unknown as object), "{ x: 1 }", ["x: not allowed here"]],
    [of({ not: {}, description: "Gone since 2.0." }), "{ x: 1 }", ["x: gone since 2.0"]],
    [of({ not: { type: "array" } }), "{ x: [] }", ["x: not allowed: array"]],
    [
      of({ required: ["a", "b"], properties: { a: { type: "string" } } }),
      "{ x: { b: 1 } }",
      ["x.a: required field is missing; expected string"],
    ],
    [of({ dependentRequired: { a: ["b"] } }), "{ x: { a: 1 } }", ["x.b: required field is missing (needed with a)"]],
    [
      of({ properties: { limit: {} }, additionalProperties: false }),
      "{ x: { limt: 1 } }",
      ['x.limt: unknown field (did you mean "limit"?); allowed here: limit'],
    ],
    [of({ additionalProperties: false }), "{ x: { a: 1 } }", ["x.a: unknown field; no fields are allowed here"]],
    [
      of({ propertyNames: { pattern: "^x-" } }),
      "{ x: { y: 1 } }",
      ['x: expected text that matches ^x-, found string "y"'],
    ],
    [
      of({ if: { type: "string" }, then: { minLength: 2 } }),
      "{ x: a }",
      ['x: expected at least 2 characters, found string "a"'],
    ],
    [of(shape), "{ x: 5 }", ["x: expected object, found integer 5"]],
    [
      of(shape),
      "{ x: { kind: square, side: true, name: 1, more: 2 } }",
      [
        "x.name: expected string, found integer 1",
        "x.side: expected number, found boolean true",
        "x.more: unknown field; allowed here: kind, side, name",
      ],
    ],
    [
      of({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] }),
      "{ x: [a, 1] }",
      ["x[1]: expected string, found integer 1"],
    ],
    [
      of({ anyOf: [{ type: "string" }, { type: "array" }] }),
      "{ x: 1 }",
      ["x: expected string or array, found integer 1"],
    ],
    [
      of({ oneOf: [{ type: "integer" }, { minimum: 5 }, { type: "string" }] }),
      "{ x: 6 }",
      ["x: fits forms 1 and 2 of those allowed, expected to fit one"],
    ],
    [
      {
        $defs: { list: { anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#/$defs/list" } }] } },
        $ref: "#/$defs/list",
      },
      "[null, [5]]",
      ["[1][0]: expected null or array, found integer 5"],
    ],
    [
      { properties: { a: { type: "string" }, b: { type: "string" } } },
      "{ a: 1, b: 2 }",
      ["a: expected string, found integer 1", "b: expected string, found integer 2"],
    ],
  ];
  for (const [schema, configuration, expected] of cases) {
    it(`${configuration} -> ${expected.join("; ")}`, () => assert.deepEqual(faults(schema, configuration), expected));
  }

  it("is the same in all dialects", () => {
    for (const $schema of [
      "https://json-schema.org/draft/2020-12/schema",
      "https://json-schema.org/draft/2019-09/schema",
      "http://json-schema.org/draft-07/schema#",
    ]) {
      assert.deepEqual(faults({ $schema, ...of({ type: "string" }) }, "{ x: 1 }"), [
        "x: expected string, found integer 1",
      ]);
    }
  });
});

describe("a schema that cannot be used", () => {
  const cases: [text: string, expected: string][] = [
    ["{", "s.json:1:2: YAML: Flow map must end with a }"],
    ["[]", "s.json:1:1: expected a JSON Schema, an object"],
    ["", "s.json:1:1: expected one JSON document"],
    [
      '{\n  "$schema": "http://json-schema.org/draft-04/schema#"\n}',
      's.json:2:14: $schema: expected JSON Schema 2020-12, 2019-09 or draft-07, found "http://json-schema.org/draft-04/schema#"',
    ],
    [
      '{ "type": "int" }',
      "s.json:1:1: not a usable JSON Schema: schema is invalid: data/type must be equal to one of the allowed values",
    ],
    [
      '{ "$ref": "other.json" }',
      "s.json:1:1: not a usable JSON Schema: can't resolve reference other.json from id configuration",
    ],
    ['{ "pattern": "(" }', "s.json:1:1: not a usable JSON Schema: Invalid regular expression: /(/"],
  ];
  for (const [text, expected] of cases) {
    it(expected, () => {
      const [first] = ConfigurationSchema.parse("s.json", text).problems;
      assert.ok(first !== undefined && formatProblem(first).startsWith(expected), first && formatProblem(first));
    });
  }
});

describe("filterProblem", () => {
  const text = "kind: FilterPolicy\nspec:\n  configuration:\n    rules:\n      - limit: x\n";
  const [document] = readDocuments({ path: "p.yaml", text }).documents;
  const cases: [complaint: string, expected: string][] = [
    [
      "rules[0].limit: expected integer, found string",
      "p.yaml:5:16: spec.configuration.rules[0].limit: expected integer, found string",
    ],
    ["rules[0].name: missing", "p.yaml:5:9: spec.configuration.rules[0].name: missing"],
    ["no rules at all\n", "p.yaml:3:3: spec.configuration: no rules at all"],
    ["rules are bad", "p.yaml:3:3: spec.configuration: rules are bad"],
  ];
  for (const [complaint, expected] of cases) {
    it(JSON.stringify(complaint), () => {
      assert.ok(document);
      assert.equal(formatProblem(filterProblem(document.origin, complaint)), expected);
    });
  }
});
