import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import fc from "fast-check";
import type { JsonValue } from "@bufbuild/protobuf";
import { jsonDiff } from "./json-diff.ts";

describe("the difference of two JSON values", () => {
  test("is empty for equal ones, whatever the order of what they are made of says", () => {
    assert.equal(jsonDiff({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }), "");
  });

  test("says where it is, and shows what is around it", () => {
    const routes = (timeout: string): JsonValue => ({
      name: "outbound",
      virtualHosts: [
        { name: "web", routes: [{ route: { cluster: "web", timeout: "0s" } }] },
        { name: "db", routes: [{ route: { cluster: "db", timeout } }] },
      ],
    });
    assert.equal(
      jsonDiff(routes("0s"), routes("3s")),
      [
        "@@ virtualHosts[1].routes[0].route @@",
        "       - route:",
        '           cluster: "db"',
        '-          timeout: "0s"',
        '+          timeout: "3s"',
      ].join("\n"),
    );
  });

  test("takes no more lines than what is new", () => {
    assert.equal(jsonDiff({ a: [1], z: 1 }, { a: [1, 2], b: {}, z: 1 }, 0), "@@ a @@\n+  - 2\n+b: {}");
  });

  test("is all of it for what was not there", () => {
    assert.equal(jsonDiff(undefined, { "x-y": [{ "a b": "c" }] }), '@@ . @@\n+x-y:\n+  - "a b": "c"');
    assert.equal(jsonDiff([], undefined), "@@ . @@\n-[]");
  });

  test("of nothing to a value is the value in YAML", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const lines = jsonDiff(undefined, value as JsonValue)
          .split("\n")
          .slice(1);
        assert.deepEqual(
          parse(lines.map((line) => line.slice(1)).join("\n"), { uniqueKeys: false, maxAliasCount: -1 }),
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });
});
