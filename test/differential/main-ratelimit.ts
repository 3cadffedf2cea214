// A long run of the comparison with Envoy's local_ratelimit; see README.md.
import { parseArgs } from "node:util";
import { buildFilters } from "../../setup/filters.mjs";
import { compareLocalRateLimit } from "./ratelimit.ts";

const { values: flags } = parseArgs({
  options: { seed: { type: "string" }, rounds: { type: "string", default: "10" } },
});
const first = Number(flags.seed ?? Date.now() % 1_000_000);

await buildFilters(["ratelimit"]);
let faulty = 0;
for (let round = 0; round < Number(flags.rounds); ++round) {
  const { byKind, compared, exact, passed, faults } = await compareLocalRateLimit(first + round, 100, 50);
  const kinds = Object.entries(byKind).map(([kind, count]) => `${kind} ${count}`);
  process.stdout.write(
    `seed ${first + round}: ${compared} compared, ${exact} exactly (${kinds.join(", ")}), ${passed} of them passed, ${faults.length} faults\n`,
  );
  for (const fault of faults.slice(0, 5)) process.stdout.write(`${fault}\n`);
  faulty += faults.length;
}
process.exitCode = faulty > 0 ? 1 : 0;
