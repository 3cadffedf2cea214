// CPU that three filters add to a request in a real Envoy, apart and as one plugin. See README.md.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { compileComposed } from "../test/support/compose/compile.ts";
import { wasmFilter, type Json, type Variant } from "./configuration.ts";
import { quantile, residentMemory } from "./measure.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";
import { apiKeys, experiments, key, tokenBucket } from "./settings.ts";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, requests: { type: "string", default: "20000" } },
});

/** @param headers What the limiter tells in responses, for which it keeps something of each stream. */
const configurations = (headers: "none" | "x-ratelimit"): Readonly<Record<string, Json>> => ({
  authz: {
    apiKeys,
    rules: [{ name: "readers", action: "allow", methods: ["GET"], paths: [{ prefix: "/products" }] }],
  },
  ratelimit: { limits: [{ name: "bench", tokenBucket, key: [{ header: "x-user-id" }] }], headers },
  "ab-routing": { experiments },
});

function variants(fused: string): Variant[] {
  const base = {
    baseline: "none",
    path: "/products/17",
    headers: { "x-user-id": "user-4711", "user-agent": "bench", "x-api-key": key },
  };
  const sets = (["none", "x-ratelimit"] as const).flatMap((headers): Variant[] => {
    const entries = Object.entries(configurations(headers));
    const filters: Json = entries.map(([name, configuration]) => ({ name, configuration }));
    return [
      {
        name: `apart, limiter's headers: ${headers}`,
        filters: entries.map(([name, own]) => wasmFilter(name, join(root, "build", `${name}.wasm`), own)),
        ...base,
      },
      { name: `fused, limiter's headers: ${headers}`, filters: [wasmFilter("edge", fused, { filters })], ...base },
    ];
  });
  return [{ name: "none", filters: [], path: base.path, headers: base.headers }, ...sets];
}

function print(all: readonly Running[]): void {
  printRow(["variant", "added us (median)", "quartiles", "us a request", "RSS MiB"]);
  printRow(["---", "---", "---", "---", "---"]);
  for (const running of all) {
    const { variant, costs, pid } = running;
    const cells = addedCells(addedCosts(running, all));
    printRow([variant.name, ...cells, quantile(costs, 0.5).toFixed(1), residentMemory(pid).toFixed(0)]);
  }
}

await buildFilters();
const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
try {
  const fused = join(folder, "edge.wasm");
  const names = Object.keys(configurations("none"));
  await compileComposed(
    "edge",
    names.map((name) => `filters/${name}`),
    fused,
  );
  await compare(variants(fused), Number(flags.rounds), Number(flags.requests), print);
  const size = (file: string): string => `${(statSync(file).size / 1000).toFixed(1)} kB`;
  const modules = names.map((name) => `${name} ${size(join(root, "build", `${name}.wasm`))}`);
  process.stdout.write(`\nModules: ${modules.join(", ")}; fused ${size(fused)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
