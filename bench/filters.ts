// CPU that the filters of this repository add to a request in a real Envoy. See README.md.
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { quantile, residentMemory } from "./measure.ts";
import { addedCells, addedCosts, compare, printRow, type Running } from "./run.ts";
import { variants } from "./variants.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string", default: "20000" },
    only: { type: "string", default: "" },
  },
});

function print(all: readonly Running[]): void {
  printRow(["variant", "added us (median)", "quartiles", "us a request", "RSS MiB"]);
  printRow(["---", "---", "---", "---", "---"]);
  for (const running of all) {
    const { variant, costs, pid } = running;
    printRow([
      variant.name,
      ...addedCells(addedCosts(running, all)),
      quantile(costs, 0.5).toFixed(1),
      residentMemory(pid).toFixed(0),
    ]);
  }
}

await buildFilters();
const chosen = variants().filter(
  ({ name, baseline }) => flags.only === "" || baseline === undefined || name.includes(flags.only),
);
await compare(chosen, Number(flags.rounds), Number(flags.requests), print);
