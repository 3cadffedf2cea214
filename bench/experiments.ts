// CPU that ab-routing adds to a request by its number of experiments, beside Envoy's weighted clusters. See README.md.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { get, startApp } from "../test/support/http.ts";
import { clusterOf, wasmFilter, type Json, type Variant } from "./configuration.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "10000" },
    counts: { type: "string", default: "1,10,100" },
  },
});
const counts = flags.counts.split(",").map(Number);
const none = "none";
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
function abRouting(count: number, targeted: boolean): Pick<Variant, "filters" | "routes"> {
  const experiments = numbers(count).map((index): Json => {
    const name = nameOf(index);
    const when: Json = { path: { prefix: `/${name}/` } };
    return { name, header: `x-${name}`, ...(targeted ? { when } : {}), split, default: "a" };
  });
  // Where all experiments are for all requests, the routes can only ask for one of them.
  const routes = numbers(targeted ? count : 1).flatMap((index): Json[] =>
    ["a", "b"].map((cluster) => ({
      match: {
        prefix: targeted ? `/${nameOf(index)}/` : "/",
        headers: [{ name: `x-${nameOf(index)}`, string_match: { exact: cluster } }],
      },
      route: { cluster },
    })),
  );
  const filter = wasmFilter("ab-routing", join(root, "build", "ab-routing.wasm"), { experiments });
  return { filters: [filter], routes: [...routes, everything] };
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

const kinds: readonly Kind[] = [
  { name: "by path", does: "ab-routing, each experiment for a path", variant: (count) => abRouting(count, true) },
  { name: "all", does: "ab-routing, each for all requests", variant: (count) => abRouting(count, false) },
  { name: "native", does: "weighted clusters, each for a path and a header", variant: weightedClusters },
];

/** Requests are for the last experiment, which is the farthest for what goes through them in order. */
function variants(upstream: number): Variant[] {
  const clusters = ["a", "b"].map((name) => clusterOf(name, upstream));
  const common = { clusters, headers: { "x-user-id": user, "user-agent": "bench" } };
  const measured = counts.flatMap((count) =>
    kinds.map(({ name, variant }): Variant => {
      const path = `/${nameOf(count - 1)}/17`;
      const check = (port: number): Promise<void> => sticks(port, path);
      return { name: `${name} ${String(count)}`, baseline: none, ...variant(count), ...common, path, check };
    }),
  );
  return [{ name: none, filters: [], routes: [everything], ...common, path: "/e0/17" }, ...measured];
}

async function sticks(port: number, path: string): Promise<void> {
  for (let i = 0; i < 3; i++) assert.equal((await get(port, path, { headers: { "x-user-id": user } })).status, 200);
}

function print(all: readonly Running[]): void {
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

await buildFilters(["ab-routing"]);
const app = await startApp("app");
try {
  await compare(variants(app.port), Number(flags.rounds), Number(flags.requests), print);
} finally {
  await app.stop();
}
