// A long run of the comparison of ab-routing with Envoy's weighted clusters; see README.md.
import { parseArgs } from "node:util";
import { buildFilters } from "../../setup/filters.mjs";
import { compareShares } from "./ab-shares.ts";
import { compareTargeting } from "./ab.ts";

const { values: flags } = parseArgs({
  options: { seed: { type: "string" }, rounds: { type: "string", default: "10" } },
});
const first = Number(flags.seed ?? Date.now() % 1_000_000);
/** Of some hundred tests, one is below this by chance in some thousand runs. */
const UNLIKELY = 1e-6;

await buildFilters(["ab-routing"]);
let faulty = 0;
for (let round = 0; round < Number(flags.rounds); ++round) {
  const seed = first + round;
  const { compared, passed, faults } = await compareTargeting(seed, 100, 200);
  process.stdout.write(`seed ${seed}: ${compared} compared, ${passed} to a variant, ${faults.length} faults\n`);
  for (const fault of faults.slice(0, 5)) process.stdout.write(`${fault}\n`);
  const { requests, tests, moved } = await compareShares(seed, 5, 4000);
  const least = Math.min(...tests.map(({ test }) => test.pValue));
  process.stdout.write(
    `  shares: ${requests} requests, ${tests.length} tests, least p ${least.toPrecision(2)}, ${moved} users moved\n`,
  );
  const bad = tests.filter(({ test }) => test.pValue < UNLIKELY);
  for (const { what, test } of bad) process.stdout.write(`  p ${test.pValue.toPrecision(2)}: ${what}\n`);
  faulty += faults.length + bad.length + moved;
}
process.exitCode = faulty > 0 ? 1 : 0;
