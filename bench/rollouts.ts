// Rollouts over fleets that are pretended. See README.md.
import { parseArgs } from "node:util";
import { measureLoad } from "./rollouts/load.ts";
import { measureRates } from "./rollouts/rates.ts";

const { values: flags } = parseArgs({
  options: {
    /** `load`, `rates`, or both. */
    part: { type: "string" },
    sidecars: { type: "string", default: "10000" },
    services: { type: "string", default: "100" },
    /** How many rollouts are simulated of each fault. */
    rollouts: { type: "string", default: "1000" },
    only: { type: "string", default: "" },
    "min-requests": { type: "string", default: "100" },
    /** Failures come in groups of so many on average. */
    burst: { type: "string", default: "5" },
    /** How far sidecars differ in speed: the standard deviation of the logarithm of their times. */
    unevenness: { type: "string", default: "0.2" },
  },
});

if (flags.part !== "rates") await measureLoad({ sidecars: Number(flags.sidecars), services: Number(flags.services) });
if (flags.part !== "load") {
  await measureRates({
    ...{ rollouts: Number(flags.rollouts), only: flags.only, minRequests: Number(flags["min-requests"]) },
    size: { services: 5, sidecars: 20 },
    conditions: { requests: 10, errors: 0.0005, burst: Number(flags.burst), unevenness: Number(flags.unevenness) },
  });
}
