// Whether a filter's memory stays flat: 1,000,000 requests through each filter in a real Envoy. See README.md.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildFilters } from "../setup/filters.mjs";
import type { Variant } from "./configuration.ts";
import { residentMemory, sendLoad } from "./measure.ts";
import { start } from "./run.ts";
import { soaks, type Soak } from "./soaks.ts";

const { values: flags } = parseArgs({
  options: { requests: { type: "string", default: "1000000" }, only: { type: "string", default: "" } },
});
const requests = Number(flags.requests);

/** Growth that is still flat, in MiB: what V8 and Envoy's own buffers come and go by. */
const TOLERANCE = 8;

/** Resident memory in MiB after each tenth of the requests, of which the first fills caches and pools. */
async function run(soak: Soak): Promise<number[]> {
  const upstream = await soak.upstream?.();
  try {
    const { variant, envoy, port, pid } = await start(await soak.variant(upstream?.port ?? 0));
    const sizes: number[] = [];
    try {
      for (let part = 0; part < 10; ++part) {
        await send(soak, variant, port);
        sizes.push(residentMemory(pid));
      }
    } finally {
      await envoy.stop();
    }
    return sizes;
  } finally {
    await upstream?.stop();
  }
}

/** A tenth of the requests. */
async function send({ uris, status = "2xx" }: Soak, variant: Variant, port: number): Promise<void> {
  const count = requests / 10;
  if (uris === undefined) return sendLoad({ ...variant, port, requests: count, status });
  const folder = await mkdtemp(join(tmpdir(), "soak-"));
  try {
    const file = join(folder, "uris");
    await writeFile(file, uris(port, count));
    await sendLoad({ ...variant, port, requests: count, status, uris: file });
  } finally {
    await rm(folder, { recursive: true });
  }
}

await buildFilters();
let failed = false;
for (const soak of soaks.filter(({ name }) => name.includes(flags.only))) {
  const began = performance.now();
  const sizes = await run(soak);
  const growth = Math.max(...sizes.slice(1)) - (sizes[0] ?? NaN);
  const isFlat = growth < TOLERANCE;
  failed ||= !isFlat;
  const shown = sizes.map((value) => value.toFixed(1)).join(" ");
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  process.stdout.write(
    `${soak.name}: ${isFlat ? "flat" : "GROWS"} (${growth.toFixed(1)} MiB); RSS in MiB after each tenth: ${shown}; ${seconds} s\n`,
  );
}
process.exitCode = failed ? 1 : 0;
