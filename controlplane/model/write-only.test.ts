import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ConfigurationSchema } from "./configuration.ts";
import type { Json } from "./resources.ts";
import { withoutWriteOnly } from "./write-only.ts";

const secret = { type: "string", writeOnly: true };

describe("what a schema says is only written is left out", () => {
  const cases: [what: string, schema: object, value: Json, shown: Json][] = [
    ["in a field", { properties: { a: secret, b: {} } }, { a: "x", b: "y" }, { a: "?", b: "y" }],
    ["whatever it is", { properties: { a: secret } }, { a: { deep: [1] } }, { a: "?" }],
    ["in items", { items: { properties: { a: secret } } }, [{ a: "x" }, { b: 1 }], [{ a: "?" }, { b: 1 }]],
    ["in a tuple", { prefixItems: [{}, secret], items: {} }, ["x", "y", "z"], ["x", "?", "z"]],
    ["in a tuple of draft-07", { items: [{}, secret], additionalItems: secret }, ["x", "y", "z"], ["x", "?", "?"]],
    [
      "in other fields",
      { properties: { a: {} }, additionalProperties: secret },
      { a: "x", b: "y" },
      { a: "x", b: "?" },
    ],
    ["in fields by pattern", { patternProperties: { "^x-": secret } }, { "x-a": "x", b: "y" }, { "x-a": "?", b: "y" }],
    ["by reference", { $defs: { s: secret }, properties: { a: { $ref: "#/$defs/s" } } }, { a: "x" }, { a: "?" }],
    [
      "by an anchor",
      { $defs: { s: { ...secret, $anchor: "s" } }, properties: { a: { $ref: "#s" } } },
      { a: "x" },
      { a: "?" },
    ],
    ["in any branch", { oneOf: [{ properties: { a: {} } }, { properties: { a: secret } }] }, { a: "x" }, { a: "?" }],
    ["in a condition", { if: {}, then: { properties: { a: secret } } }, { a: "x" }, { a: "?" }],
    ["as a whole", secret, "x", "?"],
    [
      "in what refers to itself",
      { properties: { next: { $ref: "#" }, a: secret } },
      { next: { a: "x" } },
      { next: { a: "?" } },
    ],
    [
      "where it is not known",
      { properties: { a: { $ref: "https://example.com/s" }, b: {} } },
      { a: "x", b: "y" },
      { a: "?", b: "y" },
    ],
    [
      "not else",
      { properties: { a: { writeOnly: false } }, additionalProperties: true },
      { a: "x", b: [null] },
      { a: "x", b: [null] },
    ],
  ];
  for (const [what, schema, value, shown] of cases)
    test(what, () => assert.deepEqual(withoutWriteOnly(schema, value, "?"), shown));

  test("by the schemas of our filters", () => {
    const of = (filter: string): ConfigurationSchema => {
      const path = new URL(`../../filters/${filter}/schema.json`, import.meta.url);
      const { schema, problems } = ConfigurationSchema.parse(path.pathname, readFileSync(path, "utf8"));
      assert.deepEqual(problems, []);
      return schema as ConfigurationSchema;
    };
    const cookie = { cookie: "ab", secrets: ["MDEyMzQ1Njc4OWFiY2RlZg"], maxAge: "720h" };
    assert.deepEqual(of("ab-routing").withoutWriteOnly({ anonymousId: cookie }, "?"), {
      anonymousId: { ...cookie, secrets: ["?"] },
    });
    const keys = [
      { kty: "oct", kid: "one", k: "aGlkZGVu" },
      { kty: "RSA", n: "public", e: "AQAB" },
    ];
    const user = { name: "joe", salt: "00", hash: "ff" };
    const authz = { jwtProviders: [{ name: "p", localJwks: { keys } }], basic: { users: [user] } };
    assert.deepEqual(of("authz").withoutWriteOnly(authz, "?"), {
      jwtProviders: [{ name: "p", localJwks: { keys: [{ ...keys[0], k: "?" }, keys[1] as Json] } }],
      basic: { users: [{ ...user, hash: "?" }] },
    });
  });
});
