// The entry of `npm start` and `npm test`: sets a fresh clone up, builds it, and runs what was asked for.
//
//   node setup/run.mjs            set up only
//   node setup/run.mjs build      set up and build
//   node setup/run.mjs demo ...   set up, build, run the demo mesh; the rest are its options
//   node setup/run.mjs test ...   set up, build, run every check; the rest names parts of it

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../controlplane/envoy-binary/cache.mjs";
import { bundleCommand } from "./command.mjs";
import { descriptors } from "./descriptors.mjs";
import { envoyBinary } from "./envoy.mjs";
import { buildFilters } from "./filters.mjs";
import { root } from "./paths.mjs";
import { offerServers } from "./servers.mjs";
import { SetupError, checkTools, run, step } from "./tools.mjs";

/** @param {readonly string[]} args */
async function main([task = "setup", ...rest]) {
  if (!["setup", "build", "demo", "test"].includes(task)) {
    throw new SetupError(`unknown task "${task}": expected build, demo or test`);
  }
  checkTools();
  mkdirSync(join(root, ".cache"), { recursive: true });
  await withLock(join(root, ".cache", "packages.lock"), installPackages);
  const envoy = await envoyBinary();
  await descriptors();
  if (task === "setup") return 0;
  await withLock(join(root, ".cache", "build.lock"), build);
  if (task === "build") return 0;
  if (task === "test") offerServers();
  const script = task === "demo" ? ["--enable-source-maps", "demo/dist/main.js"] : ["setup/test.mjs"];
  return runToEnd([...script, ...rest], { ...process.env, ENVOY_BIN: envoy });
}

async function installPackages() {
  if (isInstalled()) return;
  step("installing npm packages");
  await run(process.platform === "win32" ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: root,
    show: true,
  });
}

/** Whether node_modules holds what package-lock.json asks for: npm leaves its own copy of the lock there when it is done. */
function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = packagesOf(join(root, "package-lock.json"));
  const present = packagesOf(installed);
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === "" || !path.startsWith("node_modules/") || entry.optional || present[path]?.version === entry.version,
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}

async function build() {
  step("building");
  await run(
    process.execPath,
    [join(root, "node_modules", "typescript-native", "bin", "tsc"), "-b", "tsconfig.build.json"],
    {
      cwd: root,
      show: true,
    },
  );
  // After the packages, of which it needs one, are there.
  const { buildDashboard } = await import("../dashboard/build.mjs");
  await buildDashboard();
  await bundleCommand();
  await buildFilters();
}

/**
 * Runs a script with this terminal and gives its exit status. Signals reach the script as well, which stops by itself.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function runToEnd(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: "inherit" });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  step(error.message);
  process.exitCode = 1;
}
