// A long run of the comparison with Envoy's own filters; see README.md.
import { parseArgs } from "node:util";
import { buildFilters } from "../../setup/filters.mjs";
import { compareJwt } from "./jwt.ts";
import { compareRbac, compareShadow, worlds, type Report, type World } from "./rbac.ts";

const { values: flags } = parseArgs({
  options: { seed: { type: "string" }, rounds: { type: "string", default: "10" } },
});
const first = Number(flags.seed ?? Date.now() % 1_000_000);

await buildFilters(["authz"]);
const size = { configurations: 100, connections: 4, requests: 8 };
const totals = { compared: 0, exact: 0, faults: 0 };
for (let round = 0; round < Number(flags.rounds); ++round) {
  const seed = first + round;
  const runs: readonly (readonly [string, () => Promise<Report>])[] = [
    ...(Object.keys(worlds) as World[]).map(
      (world) => [`rbac, ${world}`, () => compareRbac(seed, size, world)] as const,
    ),
    ["rbac, shadow rules", () => compareShadow(seed, size)],
    ["jwt_authn", () => compareJwt(seed, 50)],
  ];
  for (const [name, run] of runs) {
    const { compared, exact, passed, faults } = await run();
    process.stdout.write(`seed ${seed}, ${name}: ${compared} compared, ${exact} exactly, ${passed} of them passed\n`);
    for (const fault of faults.slice(0, 5)) process.stdout.write(`${fault}\n`);
    totals.compared += compared;
    totals.exact += exact;
    totals.faults += faults.length;
  }
}
process.stdout.write(`${totals.compared} compared, ${totals.exact} exactly: ${totals.faults} faults\n`);
process.exitCode = totals.faults > 0 ? 1 : 0;
