// A registry of OCI images for tests: Debian's docker-registry, one binary.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder, withLock } from "../controlplane/envoy-binary/cache.mjs";
import { SetupError, run, step } from "./tools.mjs";

/**
 * The registry's binary: `docker-registry` on the PATH, else unpacked from Debian's package into the cache, which needs no root.
 * Undefined where there is neither.
 * @returns {Promise<string | undefined>}
 */
export async function dockerRegistry() {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const file = join(folder, "docker-registry");
    if (folder !== "" && existsSync(file) && statSync(file).isFile()) return file;
  }
  const parent = cacheFolder("debian");
  const folder = join(parent, "docker-registry");
  const binary = join(folder, "usr", "bin", "docker-registry");
  if (existsSync(binary)) return binary;
  return withLock(`${folder}.lock`, async () => {
    if (existsSync(binary)) return binary;
    const scratch = mkdtempSync(`${folder}-`);
    try {
      step("downloading Debian's docker-registry");
      await download(scratch);
      const file = readdirSync(scratch).find((entry) => entry.endsWith(".deb"));
      if (file === undefined) return undefined;
      await run("dpkg-deb", ["--extract", join(scratch, file), join(scratch, "content")]);
      renameSync(join(scratch, "content"), folder);
      return binary;
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      step(`no docker-registry: ${error.message}`);
      return undefined;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

/**
 * @param {string} folder
 */
async function download(folder) {
  const get = () => run("apt-get", ["download", "docker-registry"], { cwd: folder });
  try {
    await get();
  } catch (error) {
    // A fresh machine has no list of packages yet, and only root may fetch it.
    if (!(error instanceof SetupError) || process.getuid?.() !== 0) throw error;
    await run("apt-get", ["update", "--quiet"]);
    await get();
  }
}
