import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { composedEntry, filterName, parseManifest } from "./compose.ts";

describe("the manifest of a composed module", () => {
  test("gives an entry that imports each filter", () => {
    const text = `{ "name": "edge", "filters": ["../filters/authz", "./my-filter.ts", "some-package/filter"] }`;
    assert.equal(
      composedEntry(parseManifest(text)),
      `import { composeRootContexts } from "proxy-wasm-assemblyscript-sdk/compose";
import "../filters/authz/index";
import "./my-filter";
import "some-package/filter";

composeRootContexts("edge", ["authz", "my-filter", "filter"]);
`,
    );
  });

  const names: readonly (readonly [path: string, name: string])[] = [
    ["../filters/authz", "authz"],
    ["../filters/authz/", "authz"],
    ["../filters/authz/index.ts", "authz"],
    ["./authz/index", "authz"],
    ["authz.ts", "authz"],
  ];
  for (const [path, name] of names) test(`names ${path}`, () => assert.equal(filterName(path), name));

  const bad: readonly (readonly [text: string, message: RegExp])[] = [
    ["{", /^expected JSON: /],
    ["[]", /^expected an object$/],
    [`{"filters":["a"]}`, /^name: expected a string/],
    [`{"name":"","filters":["a"]}`, /^name: expected a string/],
    [`{"name":"x"}`, /^filters: expected an array of paths$/],
    [`{"name":"x","filters":[]}`, /^filters: expected an array of paths$/],
    [`{"name":"x","filters":["a",1]}`, /^filters\[1\]: expected a path$/],
    [`{"name":"x","filters":["a"],"more":1}`, /^more: unknown field/],
    [`{"name":"x","filters":["a/f.ts","b/f.ts"]}`, /^filters: "f" is the name of two/],
    [`{"name":"f","filters":["a/f.ts"]}`, /^filters: "f" is the name of two/],
  ];
  for (const [text, message] of bad)
    test(`refuses ${text}`, () => assert.throws(() => parseManifest(text), { message }));
});
