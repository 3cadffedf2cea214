import { parseArgs } from "node:util";
import { formatDisagreement } from "./format.ts";
import { compareScripts } from "./run-scripts.ts";

/** Compares many generated filters in the host and in Envoy: `npm run conformance -- --count 1000 --seed 7`. */

/** One Envoy has a listener for each script. */
const BATCH = 200;

const { values } = parseArgs({
  options: { count: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  throw new RangeError(`expected whole numbers, found --count ${values.count} --seed ${values.seed}`);
}

let found = 0;
for (let done = 0; done < count; done += BATCH) {
  const disagreements = await compareScripts(seed + done / BATCH, Math.min(BATCH, count - done));
  found += disagreements.length;
  for (const disagreement of disagreements) process.stdout.write(`${formatDisagreement(disagreement)}\n\n`);
}
process.stdout.write(`${count} scripts, ${found} disagreements\n`);
process.exitCode = found === 0 ? 0 : 1;
