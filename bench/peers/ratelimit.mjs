// Builds envoyproxy/ratelimit, the rate limit service that Envoy's users know, from the Go module proxy into the cache folder.
//
//   node bench/peers/ratelimit.mjs

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder, withLock } from "../../controlplane/envoy-binary/cache.mjs";
import { SetupError, run, step } from "../../setup/tools.mjs";

/** It has no release numbers that Go would know; this is a commit of its main branch. */
const VERSION = "v1.4.1-0.20260122083618-3fb702589d36";

/** Where the server is, or will be once it is built. */
export function rateLimitServer() {
  return join(cacheFolder("peers", `ratelimit-${VERSION}`), "service_cmd");
}

/** Builds the server where it is not there. */
export async function buildRateLimitServer() {
  const file = rateLimitServer();
  const folder = cacheFolder("peers", `ratelimit-${VERSION}`);
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(file)) return;
    if (spawnSync("go", ["version"]).status !== 0)
      throw new SetupError("go is not here, so envoyproxy/ratelimit is not built");
    step("building envoyproxy/ratelimit");
    await run("go", ["install", `github.com/envoyproxy/ratelimit/src/service_cmd@${VERSION}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "-mod=mod" },
    });
  });
  return file;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    step(`the server is ${await buildRateLimitServer()}`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    step(error.message);
    process.exitCode = 1;
  }
}
