// `meshwright ab explain` and `simulate`, as a person or a pipeline runs them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import xxhash from "xxhash-wasm";
import type { AbExplanation, Change, SplitReport } from "../controlplane/ab/index.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { runCommand } from "./support/command.ts";

const module = join(root, "build", "ab-routing.wasm");
const hasher = await xxhash();
let folder: string;
const at = (name: string): string => join(folder, name);

const split = (grown: number): object => ({
  key: [{ header: "x-user" }, { principal: {} }],
  salt: "2026",
  variants: [
    { name: "new", weight: grown },
    { name: "old", weight: 10_000 - grown },
  ],
});
const halves = {
  key: [{ header: "x-user" }],
  variants: [
    { name: "a", weight: 5000 },
    { name: "b", weight: 5000 },
  ],
};
const configuration = (grown: number): object => ({
  layers: [{ name: "page", key: [{ header: "x-user" }] }],
  experiments: [
    {
      name: "checkout",
      header: "x-checkout",
      responseHeader: "x-checkout-variant",
      measure: true,
      rules: [
        { match: { headers: [{ name: "x-t", exact: "old" }] }, variant: "old" },
        { match: { headers: [{ name: "x-t", exact: "new" }] }, variant: "new" },
      ],
      split: split(grown),
      default: "old",
      effects: [{ variant: "new", fault: { delay: "25ms" } }],
    },
    { name: "left", header: "x-left", layer: { name: "page", from: 0, to: 5000 }, split: halves, default: "a" },
    { name: "right", header: "x-right", layer: { name: "page", from: 5000, to: 10_000 }, split: halves, default: "a" },
    {
      name: "api",
      header: "x-api",
      when: { path: { prefix: "/api/" } },
      default: "gone",
      effects: [{ variant: "gone", fault: { abort: 410 } }],
    },
  ],
});

before(async () => {
  await filterModule("ab-routing");
  folder = mkdtempSync(join(tmpdir(), "meshwright-ab-commands-"));
  writeFileSync(at("ab.json"), JSON.stringify(configuration(1000)));
  writeFileSync(at("grown.json"), JSON.stringify(configuration(2000)));
  writeFileSync(at("bad.json"), JSON.stringify({ experiments: [{ name: "a", header: "x-a", default: 1 }] }));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function ab(...args: string[]): Promise<string> {
  const { code, output } = await runCommand(["ab", ...args, "--module", module]);
  assert.equal(code, 0, output);
  return output;
}

/** The place of a key in the experiment `checkout`, as the filter's README says, by another implementation of XXH64. */
function place(key: string): number {
  const hash = hasher.h64(key, hasher.h64("2026\0checkout"));
  return Number(((hash >> 32n) * 10_000n) >> 32n);
}

describe("ab explain", { concurrency: 2 }, () => {
  const explained = async (...args: string[]): Promise<AbExplanation> =>
    JSON.parse(await ab("explain", at("ab.json"), "--json", ...args)) as AbExplanation;

  test("the variant of a key, and what the upstream and the client get", async () => {
    // README.md of the filter has the place of alice.
    const { experiments, upstream, responseHeaders } = await explained("-H", "x-user: alice", "-H", "x-checkout: new");
    assert.deepEqual(experiments[0], {
      name: "checkout",
      variant: "old",
      reason: "split",
      place: 6290,
      range: [1000, 9999],
    });
    assert.deepEqual(experiments[3], { name: "api", variant: null, reason: "notTargeted" });
    assert.deepEqual(upstream?.set[0], ["x-checkout", "old"]);
    assert.deepEqual(responseHeaders, [["x-checkout-variant", "old"]]);
    const reasons = experiments.slice(1, 3).map(({ reason }) => reason);
    assert.deepEqual(reasons.toSorted(), ["layer", "split"]);
  });

  test("a rule, a property, no key, and faults", async () => {
    const ruled = await explained("-H", "x-t: new");
    assert.deepEqual(ruled.experiments[0], { name: "checkout", variant: "new", reason: "rule", rule: 1 });
    assert.equal(ruled.delayMs, 25);
    const principal = await explained("--property", "filter_state/wasm.authz.principal=alice");
    assert.equal(principal.experiments[0]?.place, 6290);
    assert.equal((await explained()).experiments[0]?.reason, "noKey");
    const aborted = await explained("--request", "GET /api/x?secret=1");
    assert.equal(aborted.response?.status, 410);
    assert.equal(aborted.upstream, undefined);
    assert.equal(aborted.request.path, "/api/x");
  });

  test("text, with nothing secret", async () => {
    const text = await ab("explain", at("ab.json"), "-H", "x-t: new", "-H", "cookie: sid=hush", "-H", "x-user: u");
    assert.match(text, /^ {2}checkout {2}new: rules\[1\] matches$/m);
    assert.match(text, /^ {2}a fault holds it for 25 ms$/m);
    assert.match(text, /^ {2}with x-checkout: new$/m);
    assert.equal(text.includes("hush"), false);
  });

  test("many requests of a file, held to what it expects", async () => {
    const requests = [
      { name: "alice", headers: { "x-user": "alice" }, expect: { checkout: "old", api: null } },
      { properties: { "filter_state/wasm.authz.principal": "alice" }, expect: { checkout: "old" } },
      { name: "no page", request: "GET /api/x", headers: { "x-t": "new" }, expect: { checkout: "new", api: "gone" } },
    ];
    writeFileSync(at("requests.json"), JSON.stringify({ defaults: { source: "10.1.2.3" }, requests }));
    const told = JSON.parse(await ab("explain", at("ab.json"), "--requests", at("requests.json"), "--json")) as {
      readonly name: string;
      readonly faults: readonly string[];
      readonly explanation: AbExplanation;
    }[];
    assert.deepEqual(
      told.map(({ name, faults }) => [name, faults]),
      [
        ["alice", []],
        ["requests[1]", []],
        ["no page", []],
      ],
    );
    assert.equal(told[1]?.explanation.experiments[0]?.place, place("alice"));
    assert.match(told[2]?.explanation.request.source ?? "", /^10\.1\.2\.3:/);

    const failing = async (table: object): Promise<{ code: number | null; output: string }> => {
      writeFileSync(at("failing.json"), JSON.stringify(table));
      return runCommand(["ab", "explain", at("ab.json"), "--requests", at("failing.json"), "--module", module]);
    };
    const other = await failing({ requests: [{ name: "x", headers: { "x-t": "new" }, expect: { checkout: "old" } }] });
    assert.equal(other.code, 1);
    assert.match(other.output, /^ {2}NOT AS EXPECTED: checkout: expected old, found new$/m);
    for (const [table, message] of [
      [
        { requests: [{ name: "x", expect: { absent: "a" } }] },
        /failing\.json: x: expect: there is no experiment "absent"/,
      ],
      [{ requests: [{ header: {} }] }, /requests\[0\]\.header/],
      [{ requests: [] }, /failing\.json.*requests/],
    ] as const) {
      const { code, output } = await failing(table);
      assert.equal(code, 2, output);
      assert.match(output, message);
    }
  });

  test("faults are told with the exit status 2", async () => {
    for (const [args, message] of [
      [["explain", at("bad.json")], /experiments\[0\]\.default: expected/],
      [["explain", at("absent.json")], /absent\.json: cannot read the configuration: there is no such file/],
      [["explain", at("ab.json"), "--property", "x"], /--property: expected PATH=VALUE/],
      [["explain", at("ab.json"), "--property", "x=1"], /property: expected a path such as/],
      [["explain", at("ab.json"), "--at", "today"], /at: expected a time/],
      [["simulate", at("ab.json"), "--key-from", "body"], /--key-from: expected header:NAME/],
      [["simulate", at("ab.json"), "--keys", "0"], /expected 1 to 10000000/],
    ] as const) {
      const { code, output } = await runCommand(["ab", ...args, "--module", module]);
      assert.equal(code, 2, output);
      assert.match(output, message);
    }
  });
});

describe("ab simulate", () => {
  const KEYS = 20_000;
  const simulated = async (...args: string[]): Promise<SplitReport & { changes?: Change[] }> =>
    JSON.parse(await ab("simulate", "--keys", String(KEYS), "--json", ...args)) as SplitReport;
  const countBelow = (end: number, start = 0): number =>
    Array.from({ length: KEYS }, (_, i) => place(`user-${i}`)).filter((at) => at >= start && at < end).length;

  test("the split is that of the documented algorithm, and whom a change of weights moves is told", async () => {
    const { experiments, pairs, changes } = await simulated(at("grown.json"), "--compare", at("ab.json"));
    const [checkout, left, right, api] = experiments;
    const fresh = countBelow(2000);
    assert.deepEqual(checkout?.variants, [
      { name: "new", keys: fresh, expected: 0.2, seen: fresh / KEYS },
      { name: "old", keys: KEYS - fresh, expected: 0.8, seen: 1 - fresh / KEYS },
    ]);
    assert.ok(checkout.test.pValue > 0.001 && checkout.test.degrees === 1);
    assert.deepEqual(api?.reasons, { notTargeted: KEYS });
    assert.equal((left?.reasons.split ?? 0) + (right?.reasons.split ?? 0), KEYS);

    const apart = pairs.find(({ experiments: [a, b] }) => a === "left" && b === "right");
    assert.equal(apart?.keys, 0);
    assert.equal(pairs.length, 3);
    for (const { test } of pairs) assert.ok(test.pValue > 0.001);

    const moved = countBelow(2000, 1000);
    assert.deepEqual(
      changes?.map(({ name, changed }) => [name, changed]),
      [
        ["checkout", moved],
        ["left", 0],
        ["right", 0],
        ["api", 0],
      ],
    );
    assert.deepEqual(
      changes[0]?.moves.filter(({ from, to }) => from !== to),
      [{ from: "old", to: "new", keys: moved }],
    );
  });

  test("keys in one place only, and the text", async () => {
    const { experiments } = await simulated(at("ab.json"), "--key-from", "property:filter_state/wasm.authz.principal");
    assert.equal(experiments[0]?.variants[0]?.keys, countBelow(1000));
    assert.deepEqual(experiments[1]?.reasons, { layer: KEYS });
    const text = await ab("simulate", at("ab.json"), "--keys", "1000", "--compare", at("grown.json"));
    assert.match(text, /^keys in header:x-user, property:filter_state\/wasm\.authz\.principal$/m);
    assert.match(text, /^checkout +new +\d+ +10\.00 % +\d+\.\d\d %$/m);
    assert.match(text, /^left and right +0 +never both$/m);
    assert.match(text, /^checkout: \d+ of 1000 keys change their variant/m);
  });
});
