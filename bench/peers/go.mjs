// Builds the Go programs of bench:scale into the cache folder: simulated sidecars, and a control plane upon go-control-plane.
//
//   node bench/peers/go.mjs

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder, withLock } from "../../controlplane/envoy-binary/cache.mjs";
import { root } from "../../setup/paths.mjs";
import { SetupError, run, step } from "../../setup/tools.mjs";

/** Builds what has changed. @returns {Promise<{ sidecars: string, controlPlane: string }>} the programs. */
export async function buildGoPeers() {
  const folder = cacheFolder("peers", "go");
  await withLock(`${folder}.lock`, async () => {
    if (spawnSync("go", ["version"]).status !== 0)
      throw new SetupError("go is not here, so its programs are not built");
    step("building sidecars and control-plane");
    await run("go", ["build", "-o", `${folder}/`, "./..."], { cwd: join(root, "bench", "peers", "go") });
  });
  return { sidecars: join(folder, "sidecars"), controlPlane: join(folder, "control-plane") };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const { sidecars, controlPlane } = await buildGoPeers();
    step(`the programs are ${sidecars} and ${controlPlane}`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    step(error.message);
    process.exitCode = 1;
  }
}
