// CPU that ab-routing adds to a request by its number of experiments, beside Envoy's weighted clusters. See README.md.
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { compileComposed } from "../test/support/compose/compile.ts";
import { get, startApp } from "../test/support/http.ts";
import { clusterOf, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";
import { apiKeys, key } from "./settings.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "10000" },
    counts: { type: "string", default: "1,10,100" },
    only: { type: "string", default: "" },
  },
});
const counts = flags.counts.split(",").map(Number);
const none = "none";
const authz = "authz alone";
const routesAlone = "the routes alone";
const user = "user-4711";

interface Kind {
  readonly name: string;
  readonly does: string;
  readonly variant: (count: number) => Pick<Variant, "filters" | "routes">;
}

const nameOf = (index: number): string => `e${String(index)}`;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const everything: Json = { match: { prefix: "/" }, route: { cluster: "a" } };
const onUser: Json = { name: "x-user-id", present_match: true };
const split: Json = {
  key: [{ header: "x-user-id" }],
  variants: [
    { name: "a", weight: 5000 },
    { name: "b", weight: 5000 },
  ],
};

/** As many experiments, each for requests below a path of its own or for all. */
function configurationOf(count: number, targeted: boolean): Json {
  const experiments = numbers(count).map((index): Json => {
    const name = nameOf(index);
    const when: Json = { path: { prefix: `/${name}/` } };
    return { name, header: `x-${name}`, ...(targeted ? { when } : {}), split, default: "a" };
  });
  return { experiments };
}

/** Where all experiments are for all requests, the routes can only ask for one of them. */
function routesOf(count: number, targeted: boolean): Json[] {
  const routes = numbers(targeted ? count : 1).flatMap((index): Json[] =>
    ["a", "b"].map((cluster) => ({
      match: {
        prefix: targeted ? `/${nameOf(index)}/` : "/",
        headers: [{ name: `x-${nameOf(index)}`, string_match: { exact: cluster } }],
      },
      route: { cluster },
    })),
  );
  return [...routes, everything];
}

const moduleOf = (name: string): string => join(root, "build", `${name}.wasm`);

function abRouting(count: number, targeted: boolean): Pick<Variant, "filters" | "routes"> {
  const filter = wasmFilter("ab-routing", moduleOf("ab-routing"), configurationOf(count, targeted));
  return { filters: [filter], routes: routesOf(count, targeted) };
}

/** The same by routes alone: a request of a user goes by the hash of the user. */
function weightedClusters(count: number): Pick<Variant, "filters" | "routes"> {
  const routes = numbers(count).map((index): Json => ({
    match: { prefix: `/${nameOf(index)}/`, headers: [onUser] },
    route: {
      hash_policy: [{ header: { header_name: "x-user-id" } }],
      weighted_clusters: {
        use_hash_policy: true,
        clusters: ["a", "b"].map((name) => ({ name, weight: 50 })),
      },
    },
  }));
  return { filters: [], routes: [...routes, everything] };
}

const allKinds: readonly Kind[] = [
  { name: "by path", does: "ab-routing, each experiment for a path", variant: (count) => abRouting(count, true) },
  { name: "all", does: "ab-routing, each for all requests", variant: (count) => abRouting(count, false) },
  {
    name: "routes",
    does: "the routes for the paths, without the filter",
    variant: (count: number) => ({ filters: [], routes: routesOf(count, true) }),
  },
  { name: "native", does: "weighted clusters, each for a path and a header", variant: weightedClusters },
];
const kinds = allKinds.filter(({ name }) => name.includes(flags.only));

const apart = "authz and ab-routing, apart";
const together = "authz and ab-routing, as one plugin";

/** One experiment, authz, and both, before the same routes; Envoy itself answers. */
function besideAuthz(fused: string): Pick<Variant, "name" | "filters" | "routes">[] {
  const rules: Json = [{ name: "readers", action: "allow", methods: ["GET"], paths: [{ prefix: "/e0" }] }];
  const configurations: Readonly<Record<string, Json>> = {
    authz: { apiKeys, rules },
    "ab-routing": configurationOf(1, false),
  };
  const list = Object.entries(configurations);
  const filters = list.map(([name, configuration]) => wasmFilter(name, moduleOf(name), configuration));
  const parts: Json = list.map(([name, configuration]) => ({ name, configuration }));
  const routes = routesOf(1, false).map((route): Json => ({
    match: (route as { match: Json }).match,
    direct_response: { status: 200, body: { inline_string: "ok" } },
  }));
  return [
    { name: routesAlone, filters: [], routes },
    { name: "ab-routing alone", filters: filters.slice(1), routes },
    { name: authz, filters: filters.slice(0, 1), routes },
    { name: apart, filters, routes },
    { name: together, filters: [wasmFilter("edge", fused, { filters: parts })], routes },
  ];
}

/** Requests are for the last experiment, which is the farthest for what goes through them in order. */
function variants(upstream: number, fused: string): Variant[] {
  const clusters = ["a", "b"].map((name) => clusterOf(name, upstream));
  const common = { clusters, headers: { "x-user-id": user, "user-agent": "bench", "x-api-key": key } };
  const measured = counts.flatMap((count) =>
    kinds.map(({ name, variant }): Variant => {
      const path = `/${nameOf(count - 1)}/17`;
      const check = (port: number): Promise<void> => sticks(port, path);
      return { name: `${name} ${String(count)}`, baseline: none, ...variant(count), ...common, path, check };
    }),
  );
  const first = { ...common, path: "/e0/17" };
  const beside = besideAuthz(fused).map((one): Variant => ({
    ...one,
    ...(one.name === routesAlone ? {} : { baseline: routesAlone }),
    ...first,
  }));
  const shown = beside.filter(() => "authz".includes(flags.only));
  return [{ name: none, filters: [], routes: [everything], ...first }, ...measured, ...shown];
}

async function sticks(port: number, path: string): Promise<void> {
  for (let i = 0; i < 3; i++) assert.equal((await get(port, path, { headers: { "x-user-id": user } })).status, 200);
}

function print(all: readonly Running[]): void {
  if (kinds.length > 0) printByCount(all);
  printBeside(all);
}

function printByCount(all: readonly Running[]): void {
  printRow(["experiments", ...kinds.flatMap(({ does }) => [`${does}, us`, "quartiles"])]);
  printRow(["---", ...kinds.flatMap(() => ["---", "---"])]);
  for (const count of counts) {
    const cells = kinds.flatMap(({ name }) => {
      const running = all.find(({ variant }) => variant.name === `${name} ${String(count)}`);
      return addedCells(running === undefined ? [] : addedCosts(running, all));
    });
    printRow([String(count), ...cells]);
  }
}

function printBeside(all: readonly Running[]): void {
  const alone = all.find(({ variant }) => variant.name === authz);
  if (alone === undefined) return;
  process.stdout.write("\n");
  printRow(["variant", "added us", "quartiles", "over authz alone", "quartiles"]);
  printRow(["---", "---", "---", "---", "---"]);
  for (const running of all) {
    if (running.variant.baseline !== routesAlone) continue;
    const over = running.costs.map((cost, round) => cost - (alone.costs[round] ?? NaN));
    const cells = [apart, together].includes(running.variant.name) ? addedCells(over) : ["", ""];
    printRow([running.variant.name, ...addedCells(addedCosts(running, all)), ...cells]);
  }
}

await buildFilters(["ab-routing", "authz"]);
const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
const app = await startApp("app");
try {
  const fused = join(folder, "edge.wasm");
  await compileComposed("edge", ["filters/authz", "filters/ab-routing"], fused);
  await compare(variants(app.port, fused), Number(flags.rounds), Number(flags.requests), print);
} finally {
  await app.stop();
  rmSync(folder, { recursive: true });
}
