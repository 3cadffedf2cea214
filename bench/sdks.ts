// The same filters by several SDKs, by Lua and by Envoy's own filters, in a real Envoy. See README.md.
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { baselineOf, cases, type Case } from "./cases.ts";
import { nativeFilter, wasmFilter, type Variant } from "./configuration.ts";
import { quantile, residentMemory } from "./measure.ts";
import { buildRustFilters } from "./peers/build.mjs";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";
import { startUpstream } from "./upstream.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "20000" },
    only: { type: "string", default: "" },
    modules: { type: "string", multiple: true, default: [] },
  },
});

/** Where the modules of an SDK are, `CASE.wasm` each. */
type Sdks = ReadonlyMap<string, string>;

function variantsOf(job: Case, sdks: Sdks): Variant[] {
  const baseline = baselineOf(job);
  const common = { ...job.load, baseline: baseline.name };
  const all: Variant[] = [baseline];
  for (const [sdk, folder] of sdks) {
    const module = join(folder, `${job.name}.wasm`);
    const filters = [wasmFilter(job.name, module, {})];
    all.push({ ...common, name: `${job.name}: ${sdk}`, filters, check: job.check, module });
  }
  if (job.hasLua) {
    const source = readFileSync(join(root, "bench", "peers", "lua", `${job.name}.lua`), "utf8");
    const filter = nativeFilter("envoy.extensions.filters.http.lua.v3.Lua", {
      default_source_code: { inline_string: source },
    });
    all.push({ ...common, name: `${job.name}: Lua`, filters: [filter], check: job.check });
  }
  for (const { name, filter, checked } of job.natives) {
    const check = checked ? { check: job.check } : {};
    all.push({ ...common, name: `${job.name}: native ${name}`, filters: [filter], ...check });
  }
  return all;
}

function print(all: readonly Running[]): void {
  printRow([
    "variant",
    "added us (median)",
    "quartiles",
    "us a request",
    "module bytes",
    "first 200, ms",
    "RSS then, MiB",
    "RSS at the end",
  ]);
  printRow(["---", "---", "---", "---", "---", "---", "---", "---"]);
  for (const running of all) {
    const { variant, costs, pid, startTime, startMemory } = running;
    printRow([
      variant.name,
      ...addedCells(addedCosts(running, all)),
      quantile(costs, 0.5).toFixed(1),
      variant.module === undefined ? "-" : statSync(variant.module).size.toLocaleString("en"),
      startTime.toFixed(0),
      startMemory.toFixed(1),
      residentMemory(pid).toFixed(1),
    ]);
  }
}

/** The modules of this SDK, of those whose tool chain is here, and of those that `--modules NAME=FOLDER` names. */
async function sdksFor(jobs: readonly Case[]): Promise<Sdks> {
  const own = join(root, "build", "bench");
  mkdirSync(own, { recursive: true });
  for (const { name } of jobs) await compile(`bench/filters/${name}.ts`, join(own, `${name}.wasm`));
  const sdks = new Map([["this SDK", own]]);
  const rust = await buildRustFilters();
  if (rust.ok) sdks.set("Rust SDK", rust.folder);
  else process.stderr.write(`the Rust SDK is left out: ${rust.reason}\n`);
  for (const given of flags.modules) {
    const [name, folder] = given.split("=");
    if (!name || !folder) throw new Error(`--modules ${given}: expected NAME=FOLDER`);
    sdks.set(name, folder);
  }
  return sdks;
}

const upstream = await startUpstream();
try {
  const all = cases(upstream.port);
  const asked = flags.only === "" ? all.map(({ name }) => name) : flags.only.split(",");
  const unknown = asked.find((name) => !all.some((job) => job.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only ${unknown}: expected some of ${all.map(({ name }) => name).join(", ")}`);
  }
  const jobs = all.filter(({ name }) => asked.includes(name));
  const sdks = await sdksFor(jobs);
  for (const { name, does } of jobs) process.stdout.write(`- ${name}: ${does}\n`);
  process.stdout.write("\n");
  await compare(
    jobs.flatMap((job) => variantsOf(job, sdks)),
    Number(flags.rounds),
    Number(flags.requests),
    print,
  );
} finally {
  await upstream.stop();
}
