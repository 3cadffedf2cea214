// Rollouts over fleets that are pretended. See README.md.
//
//   node --expose-gc --import tsx --conditions=meshwright-source bench/rollouts.ts
import { parseArgs } from "node:util";
import { measureLoad } from "./rollouts/load.ts";

const { values: flags } = parseArgs({
  options: {
    sidecars: { type: "string", default: "10000" },
    services: { type: "string", default: "100" },
  },
});

await measureLoad({ sidecars: Number(flags.sidecars), services: Number(flags.services) });
