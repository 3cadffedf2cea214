import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createTwoFilesPatch } from "diff";
import { parse } from "yaml";
import { hideResource, hideRevision, hideText } from "./hidden.ts";
import type { Change } from "./revision.ts";

const head = "kind: FilterPolicy\nmetadata: { name: p }\n";

describe("of a text", () => {
  const cases: [what: string, text: string, shown: string][] = [
    [
      "a block",
      `${head}spec:\n  module: m\n  configuration: # s3cret\n    keys:\n      - s3cret # s3cret\n    # s3cret\n  order: 1 # seen\n`,
      `${head}spec:\n  module: m\n  configuration: "(hidden)"\n  order: 1 # seen\n`,
    ],
    [
      "a block at the end",
      `${head}spec:\n  configuration:\n    k: s3cret\n`,
      `${head}spec:\n  configuration: "(hidden)"\n`,
    ],
    [
      "in one line",
      `${head}spec: { configuration: { k: [s3cret] }, module: m }\n`,
      `${head}spec: { configuration: "(hidden)", module: m }\n`,
    ],
    [
      "text in lines",
      `${head}spec:\n  vmConfiguration: |\n    s3cret\n    s3cret\n  module: m\n`,
      `${head}spec:\n  vmConfiguration: "(hidden)"\n  module: m\n`,
    ],
    [
      "text without a line's end",
      `${head}spec:\n  vmConfiguration: >-\n    s3cret`,
      `${head}spec:\n  vmConfiguration: "(hidden)"`,
    ],
    [
      "JSON",
      `{"kind":"FilterPolicy","spec":{"configuration":{"k":"s3cret"},"module":"m"}}`,
      `{"kind":"FilterPolicy","spec":{"configuration": "(hidden)","module":"m"}}`,
    ],
    [
      "keys that are written otherwise",
      `${head}"sp\\x65c":\n  "c\\x6fnfiguration": { k: s3cret }\n`,
      `${head}"sp\\x65c":\n  "c\\x6fnfiguration": "(hidden)"\n`,
    ],
    [
      "a key twice",
      `${head}spec: { configuration: s3cret, configuration: s3cret }\n`,
      `${head}spec: { configuration: "(hidden)", configuration: "(hidden)" }\n`,
    ],
    [
      "a tag and an anchor",
      `${head}spec: { configuration: !!map &a { k: s3cret } }\n`,
      `${head}spec: { configuration: "(hidden)" }\n`,
    ],
    ["nothing to hide", `${head}spec: { module: m }\n`, `${head}spec: { module: m }\n`],
    ["an alias of what is not in it", `${head}x: &s s3cret\nspec: { configuration: { k: *s } }\n`, "# (hidden)\n"],
    ["an alias as a whole", `x: &s { k: s3cret }\nspec: { configuration: *s }\n`, "# (hidden)\n"],
    ["two documents", `spec: 1\n---\nspec: { configuration: s3cret }\n`, "# (hidden)\n"],
    ["no YAML", `spec: { configuration: [s3cret\n`, "# (hidden)\n"],
  ];
  for (const [what, text, shown] of cases) {
    test(what, () => {
      assert.equal(hideText(text), shown);
      assert.doesNotMatch(shown, /s3cret/);
      assert.doesNotThrow(() => parse(shown, { uniqueKeys: false }) as unknown);
    });
  }
});

const text = (secret: string, module = "m"): string =>
  `${head}spec:\n  module: ${module}\n  configuration:\n    k: ${secret}\n`;
const change = (before: string, after: string, kind = "FilterPolicy"): Change => ({
  kind,
  name: "p",
  change: before === "" ? "created" : after === "" ? "deleted" : "updated",
  diff: createTwoFilesPatch("p", "p", before, after),
  ...(after === "" ? {} : { after: { file: "f.yaml", line: 1, text: after, assets: {} } }),
});
const hidden = (one: Change): string => {
  const shown = hideRevision({ revision: 1, time: "", author: "", message: "", changes: [one] });
  assert.doesNotMatch(JSON.stringify(shown), /s3cret/);
  return shown.changes[0]?.diff ?? "";
};

describe("of a revision", () => {
  test("what else has changed is shown", () => {
    assert.match(hidden(change("", text("s3cret"))), /^\+ {2}module: m\n\+ {2}configuration: "\(hidden\)"\n$/m);
    assert.match(
      hidden(change(text("s3cret"), text("other-s3cret", "n"))),
      /^- {2}module: m\n\+ {2}module: n\n {3}configuration: "\(hidden\)"$/m,
    );
    assert.match(hidden(change(text("s3cret"), "")), /^- {2}configuration: "\(hidden\)"$/m);
  });
  test("that only what is hidden has changed is said", () => {
    assert.match(hidden(change(text("s3cret"), text("other-s3cret"))), /\(only hidden values differ\)\n$/);
  });
  test("a diff that does not fit is hidden", () => {
    assert.equal(
      hidden({ ...change(text("s3cret"), text("x")), diff: "@@ -9,1 +9,1 @@\n-s3cret\n+other\n" }),
      "# (hidden)\n",
    );
  });
  test("other kinds are shown", () => {
    const one = change("", "kind: Service\n", "Service");
    assert.deepEqual(hideRevision({ revision: 1, time: "", author: "", message: "", changes: [one] }).changes, [one]);
  });
});

test("of a resource", () => {
  const resource = {
    kind: "FilterPolicy",
    name: "p",
    resourceVersion: 1,
    file: "f",
    line: 1,
    text: text("s3cret"),
    assets: {},
  };
  assert.doesNotMatch(hideResource(resource).text, /s3cret/);
});
