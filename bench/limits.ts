// CPU that ratelimit adds to a request by its number of limits, beside Envoy's local_ratelimit with the same. See README.md.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { compileComposed } from "../test/support/compose/compile.ts";
import { get } from "../test/support/http.ts";
import { nativeFilter, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";
import { apiKeys, key as apiKey } from "./settings.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "10000" },
    counts: { type: "string", default: "1,100" },
    values: { type: "string", default: "1,10000" },
    only: { type: "string", default: "" },
  },
});
const numbersOf = (list: string): number[] => list.split(",").map(Number);

/** Whom each configuration lets pass once in an hour, so that a check sees that it counts. */
const rare = "rare";
const often = { maxTokens: 1_000_000, tokensPerFill: 1_000_000, fillInterval: "1s" };
const once = { maxTokens: 1, fillInterval: "1h" };
const nativeOften: Json = { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" };
const nativeOnce: Json = { max_tokens: 1, fill_interval: "3600s" };

const users = (count: number): string[] => Array.from({ length: count }, (_, index) => `user-${String(index)}`);
const headers = (user: string): Record<string, string> => ({
  "x-user-id": user,
  "x-api-key": apiKey,
  "user-agent": "bench",
});
const onUser = (user: string): Json => ({ headers: [{ name: "x-user-id", exact: user }] });
const byUser: Json = [{ header: "x-user-id" }];

async function limitsTheRare(port: number): Promise<void> {
  const statuses: number[] = [];
  for (let i = 0; i < 2; ++i) statuses.push((await get(port, "/products/17", { headers: headers(rare) })).status);
  assert.deepEqual(statuses, [200, 429]);
}

const ours = (configuration: { [key: string]: Json }): Json =>
  wasmFilter("ratelimit", join(root, "build", "ratelimit.wasm"), { headers: "none", ...configuration });
const native = (configuration: { [key: string]: Json }): Json =>
  nativeFilter("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", {
    stat_prefix: "bench",
    token_bucket: nativeOften,
    filter_enabled: { default_value: { numerator: 100 } },
    filter_enforced: { default_value: { numerator: 100 } },
    ...configuration,
  });

/** A way to say: these users, each with a bucket of its own and a rate of its own. */
interface Form {
  readonly name: string;
  readonly filter: (count: number) => Json;
}

const scopes = ["worker", "envoy"] as const;
const forms: readonly Form[] = [
  ...scopes.flatMap((scope): Form[] => [
    {
      name: `ratelimit, \`${scope}\`, a limit for each`,
      filter: (count) =>
        ours({
          limits: [
            ...users(count).map((name): Json => ({ name, scope, match: onUser(name), tokenBucket: often })),
            { name: rare, scope, match: onUser(rare), tokenBucket: once },
          ],
        }),
    },
    {
      name: `ratelimit, \`${scope}\`, an override for each`,
      filter: (count) =>
        ours({
          limits: [
            {
              name: "bench",
              scope,
              key: byUser,
              tokenBucket: often,
              overrides: [
                ...users(count).map((name): Json => ({ name, match: onUser(name), tokenBucket: often })),
                { name: rare, match: onUser(rare), tokenBucket: once },
              ],
            },
          ],
        }),
    },
  ]),
  {
    name: "local_ratelimit, a descriptor for each",
    filter: (count) =>
      native({
        rate_limits: [{ actions: [{ request_headers: { header_name: "x-user-id", descriptor_key: "user" } }] }],
        descriptors: [
          ...users(count).map((value): Json => ({ entries: [{ key: "user", value }], token_bucket: nativeOften })),
          { entries: [{ key: "user", value: rare }], token_bucket: nativeOnce },
        ],
      }),
  },
];

/** One descriptor of many values, of which each request has the next. */
const values: readonly Form[] = [
  ...scopes.map((scope): Form => ({
    name: `ratelimit, \`${scope}\`, by path`,
    filter: () => ours({ limits: [{ name: "bench", scope, key: [{ path: {} }], tokenBucket: often }] }),
  })),
  {
    name: "local_ratelimit, by path",
    filter: (count) =>
      native({
        rate_limits: [{ actions: [{ request_headers: { header_name: ":path", descriptor_key: "path" } }] }],
        descriptors: [{ entries: [{ key: "path" }], token_bucket: nativeOften }],
        max_dynamic_descriptors: count,
      }),
  },
];

/** What authz in front of the limiter adds by itself, and both as one plugin. */
function fusedForms(fused: string): Form[] {
  const rules: Json = [{ name: "readers", action: "allow", methods: ["GET"], paths: [{ prefix: "/products" }] }];
  const authz: Json = { apiKeys, rules };
  const both = (limiter: { [key: string]: Json }): Json =>
    wasmFilter("edge", fused, {
      filters: [
        { name: "authz", configuration: authz },
        { name: "ratelimit", configuration: { headers: "none", ...limiter } },
      ],
    });
  return [
    { name: "authz alone", filter: () => wasmFilter("authz", join(root, "build", "authz.wasm"), authz) },
    ...scopes.map((scope): Form => ({
      name: `authz and ratelimit, \`${scope}\`, as one plugin`,
      filter: (count) =>
        both({
          limits: [
            ...users(count).map((name): Json => ({ name, scope, match: onUser(name), tokenBucket: often })),
            { name: rare, scope, match: onUser(rare), tokenBucket: once },
          ],
        }),
    })),
  ];
}

const none = "none";
const manyPaths = "none, many paths";
const pathOf = (index: number): string => `/products/${String(index)}`;
const paths = (count: number): string[] => Array.from({ length: count }, (_, index) => pathOf(index));

/** Requests are of the last user, the farthest for what goes through the limits in order. */
function byCount(form: Form, isLimiting: boolean): Variant[] {
  return numbersOf(flags.counts).map((count) => ({
    name: `${form.name} ${String(count)}`,
    baseline: none,
    filters: [form.filter(count)],
    path: pathOf(17),
    headers: headers(`user-${String(count - 1)}`),
    ...(isLimiting ? { check: limitsTheRare } : {}),
  }));
}

function byValues(form: Form): Variant[] {
  return numbersOf(flags.values).map((count) => ({
    name: `${form.name} ${String(count)}`,
    baseline: manyPaths,
    filters: [form.filter(count)],
    path: pathOf(0),
    paths: paths(count),
    headers: headers("user-0"),
  }));
}

function print(all: readonly Running[], names: readonly string[], sizes: readonly number[], what: string): void {
  printRow([`added us, by ${what}`, ...sizes.flatMap((size) => [String(size), "quartiles"])]);
  printRow(["---", ...sizes.flatMap(() => ["---", "---"])]);
  for (const name of names) {
    const cells = sizes.flatMap((size) => {
      const running = all.find(({ variant }) => variant.name === `${name} ${String(size)}`);
      return addedCells(running === undefined ? [] : addedCosts(running, all));
    });
    printRow([name, ...cells]);
  }
  process.stdout.write("\n");
}

/** What the limiter costs as a part of a plugin, over authz alone in the same round. */
function printFused(all: readonly Running[]): void {
  const alone = all.find(({ variant }) => variant.name.startsWith("authz alone"));
  if (alone === undefined) return;
  for (const { variant, costs } of all) {
    if (!variant.name.startsWith("authz and")) continue;
    const over = costs.map((cost, round) => cost - (alone.costs[round] ?? NaN));
    printRow([`${variant.name}, over authz alone`, ...addedCells(over)]);
  }
}

await buildFilters(["authz", "ratelimit"]);
const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
try {
  const fused = join(folder, "edge.wasm");
  const chosen = (list: readonly Form[]): Form[] => list.filter(({ name }) => name.includes(flags.only));
  const [alone, byPath, together] = [chosen(forms), chosen(values), chosen(fusedForms(fused))];
  if (together.length > 0) await compileComposed("edge", ["filters/authz", "filters/ratelimit"], fused);
  const variants: Variant[] = [
    { name: none, filters: [], path: pathOf(17), headers: headers("user-0") },
    ...alone.flatMap((form) => byCount(form, true)),
    ...together.flatMap((form) => byCount(form, form.name !== "authz alone")),
    ...(byPath.length > 0
      ? [
          {
            name: manyPaths,
            filters: [],
            path: pathOf(0),
            paths: paths(Math.max(...numbersOf(flags.values))),
            headers: headers("user-0"),
          },
        ]
      : []),
    ...byPath.flatMap(byValues),
  ];
  const names = (list: readonly Form[]): string[] => list.map(({ name }) => name);
  await compare(variants, Number(flags.rounds), Number(flags.requests), (all) => {
    print(all, names([...alone, ...together]), numbersOf(flags.counts), "number of limits");
    print(all, names(byPath), numbersOf(flags.values), "number of keys");
    printFused(all);
  });
} finally {
  rmSync(folder, { recursive: true });
}
