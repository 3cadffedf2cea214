// Whether a filter's memory stays flat: 1,000,000 requests through each filter in a real Envoy. See README.md.
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import { Envoy } from "../test/support/envoy.ts";
import { freePorts } from "../test/support/ports.ts";
import { configurationOf } from "./configuration.ts";
import { residentMemory, sendLoad } from "./measure.ts";
import { variants } from "./variants.ts";

const { values: flags } = parseArgs({ options: { requests: { type: "string", default: "1000000" } } });
const requests = Number(flags.requests);

/** Growth that is still flat, in MiB: what V8 and Envoy's own buffers come and go by. */
const TOLERANCE = 8;

await buildFilters();
let failed = false;
for (const name of ["authz: API key", "authz: RS256, cached", "ratelimit: by a header", "ab-routing: one experiment"]) {
  const variant = variants().find((other) => other.name === name);
  if (variant === undefined) throw new Error(`there is no variant ${name}`);
  const [port = 0, adminPort = 0] = await freePorts(2);
  const envoy = await Envoy.start(name, configurationOf(variant, port, adminPort), adminPort, { logLevel: "error" });
  try {
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    const pid = envoy.process.child.pid ?? 0;
    const load = (count: number): Promise<void> =>
      sendLoad({ port, path: variant.path, headers: variant.headers, requests: count, status: "2xx" });
    // The first tenth fills caches and pools.
    await load(requests / 10);
    const start = residentMemory(pid);
    const sizes = [start];
    let last = start;
    for (let part = 0; part < 9; ++part) {
      await load(requests / 10);
      last = residentMemory(pid);
      sizes.push(last);
    }
    const growth = last - start;
    const isFlat = growth < TOLERANCE;
    failed ||= !isFlat;
    const shown = sizes.map((value) => value.toFixed(1)).join(" ");
    process.stdout.write(
      `${name}: ${isFlat ? "flat" : "GROWS"} (${growth.toFixed(1)} MiB); RSS in MiB after each tenth: ${shown}\n`,
    );
  } finally {
    await envoy.stop();
  }
}
process.exitCode = failed ? 1 : 0;
