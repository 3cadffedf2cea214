// CPU that filters add to a request in a real Envoy. See README.md.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFilters, compile } from "../setup/filters.mjs";
import { Envoy } from "../test/support/envoy.ts";
import { freePorts } from "../test/support/ports.ts";
import { configurationOf, type Variant } from "./configuration.ts";
import { cpuTime, pinTo, quantile, residentMemory, sendLoad } from "./measure.ts";
import { variants } from "./variants.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "20000" },
    only: { type: "string", default: "" },
  },
});

interface Running {
  readonly variant: Variant;
  readonly envoy: Envoy;
  readonly port: number;
  readonly pid: number;
  /** Microseconds of CPU a request, by round. */
  readonly costs: number[];
}

async function start(variant: Variant): Promise<Running> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const envoy = await Envoy.start(variant.name, configurationOf(variant, port, adminPort), adminPort, {
    concurrency: 1,
    logLevel: "error",
  });
  const pid = envoy.process.child.pid ?? 0;
  await pinTo(pid, 0);
  await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  return { variant, envoy, port, pid, costs: [] };
}

async function measure(running: Running, requests: number): Promise<number> {
  const { variant, port, pid } = running;
  const before = cpuTime(pid);
  await sendLoad({ port, path: variant.path, headers: variant.headers, requests, status: "2xx" });
  return (cpuTime(pid) - before) / 1000 / requests;
}

function print(all: readonly Running[]): void {
  const row = (cells: readonly string[]): void => {
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  };
  row(["variant", "added us (median)", "quartiles", "us a request", "RSS MiB"]);
  row(["---", "---", "---", "---", "---"]);
  for (const { variant, costs, pid } of all) {
    const base = all.find((other) => other.variant.name === variant.baseline)?.costs ?? [];
    const added = costs.map((cost, round) => cost - (base[round] ?? NaN));
    const figure = (value: number): string => value.toFixed(1);
    row([
      variant.name,
      base.length === 0 ? "-" : figure(quantile(added, 0.5)),
      base.length === 0 ? "-" : `${figure(quantile(added, 0.25))} to ${figure(quantile(added, 0.75))}`,
      figure(quantile(costs, 0.5)),
      residentMemory(pid).toFixed(0),
    ]);
  }
}

async function main(): Promise<void> {
  const rounds = Number(flags.rounds);
  const requests = Number(flags.requests);
  await buildFilters();
  const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
  const headers = join(folder, "headers.wasm");
  await compile("bench/filters/headers.ts", headers);
  const chosen = variants(headers).filter(
    ({ name, baseline }) => flags.only === "" || baseline === undefined || name.includes(flags.only),
  );
  const all: Running[] = [];
  try {
    for (const variant of chosen) all.push(await start(variant));
    for (const running of all) await measure(running, Math.ceil(requests / 4)); // Warm: V8 compiles hot code.
    for (let round = 1; round <= rounds; ++round) {
      for (const running of all) running.costs.push(await measure(running, requests));
      process.stderr.write(`round ${String(round)} of ${String(rounds)}\n`);
    }
    print(all);
  } finally {
    await Promise.all(all.map(({ envoy }) => envoy.stop()));
    rmSync(folder, { recursive: true });
  }
}

await main();
