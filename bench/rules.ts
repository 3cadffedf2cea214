// CPU that authz adds to a request by its number of rules, beside Envoy's rbac with the same. See README.md.
import { join } from "node:path";
import { parseArgs } from "node:util";
import assert from "node:assert/strict";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { get } from "../test/support/http.ts";
import { nativeFilter, wasmFilter, type Variant } from "./configuration.ts";
import { quantile, residentMemory } from "./measure.ts";
import { authzRules, rbacPolicies, ruleSets, type RuleSet } from "./rule-sets.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "10000" },
    counts: { type: "string", default: "10,100,1000,10000" },
    only: { type: "string", default: "" },
  },
});
const counts = flags.counts.split(",").map(Number);
const chosen = ruleSets.filter(({ name }) => name.includes(flags.only));

const baseline = (set: RuleSet): string => `none, ${set.name}`;
const nameOf = (kind: "authz" | "rbac", set: RuleSet, count: number): string =>
  `${kind}, ${set.name}, ${String(count)} rules`;

function variantsOf(set: RuleSet): Variant[] {
  const load = (count: number): Pick<Variant, "path" | "headers"> => set.request(set.matching(count));
  const none: Variant = { name: baseline(set), filters: [], ...load(counts[0] ?? 10) };
  const measured = counts.flatMap((count): Variant[] => {
    const common = { baseline: baseline(set), ...load(count), check: refusesOthers };
    const rules = { rules: authzRules(set, count) };
    const rbac = { rules: { action: "ALLOW", policies: rbacPolicies(set, count) } };
    return [
      {
        name: nameOf("authz", set, count),
        filters: [wasmFilter("authz", join(root, "build", "authz.wasm"), rules)],
        ...common,
      },
      {
        name: nameOf("rbac", set, count),
        filters: [nativeFilter("envoy.extensions.filters.http.rbac.v3.RBAC", rbac)],
        ...common,
      },
    ];
  });
  return [none, ...measured];
}

async function refusesOthers(port: number): Promise<void> {
  assert.equal((await get(port, "/nothing")).status, 403);
}

function print(all: readonly Running[]): void {
  printRow(["rules", "set", "authz us", "quartiles", "rbac us", "quartiles", "authz / rbac", "start ms", "RSS MiB"]);
  printRow(Array.from({ length: 9 }, () => "---"));
  for (const set of chosen) {
    for (const count of counts) {
      const [ours, native] = (["authz", "rbac"] as const).map((kind) =>
        all.find(({ variant }) => variant.name === nameOf(kind, set, count)),
      );
      if (ours === undefined || native === undefined) continue;
      const [a, b] = [addedCosts(ours, all), addedCosts(native, all)];
      const ratio = quantile(a, 0.5) / quantile(b, 0.5);
      const both = (figure: (running: Running) => number): string =>
        `${figure(ours).toFixed(0)} / ${figure(native).toFixed(0)}`;
      printRow([
        String(count),
        set.name,
        ...addedCells(a),
        ...addedCells(b),
        ratio.toFixed(2),
        both(({ startTime }) => startTime),
        both(({ pid }) => residentMemory(pid)),
      ]);
    }
  }
}

await buildFilters(["authz"]);
await compare(chosen.flatMap(variantsOf), Number(flags.rounds), Number(flags.requests), print);
