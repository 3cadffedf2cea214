// Builds the Go programs into the cache folder: of bench:scale simulated sidecars and a control plane upon go-control-plane, and of
// test:peers the clients.
//
//   node bench/peers/go.mjs

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder, withLock } from "../../controlplane/envoy-binary/cache.mjs";
import { root } from "../../setup/paths.mjs";
import { SetupError, run, step } from "../../setup/tools.mjs";

/** The programs, whether they are built or not. */
export function goPeers() {
  const of = (/** @type {string} */ name) => join(cacheFolder("peers", "go"), name);
  return {
    sidecars: of("sidecars"),
    controlPlane: of("control-plane"),
    grpcClient: of("grpc-client"),
    xdsClient: of("xds-client"),
    csdsClient: of("csds-client"),
  };
}

/** Builds what has changed. */
export async function buildGoPeers() {
  const folder = cacheFolder("peers", "go");
  await withLock(`${folder}.lock`, async () => {
    if (spawnSync("go", ["version"]).status !== 0)
      throw new SetupError("go is not here, so its programs are not built");
    step("building the programs in Go");
    await run("go", ["build", "-o", `${folder}/`, "./..."], { cwd: join(root, "bench", "peers", "go") });
  });
  return goPeers();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    step(`the programs are ${Object.values(await buildGoPeers()).join(", ")}`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    step(error.message);
    process.exitCode = 1;
  }
}
