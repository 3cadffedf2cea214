// The cache folder, and locks in it.
import { mkdirSync, readFileSync, rmSync, writeFileSync, renameSync, linkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { step } from "./commands.mjs";

/**
 * A path in the cache, where something may be or not.
 * @param {...string} parts
 * @returns {string}
 */
export function cachePath(...parts) {
  const base =
    process.env["MESHWRIGHT_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "meshwright");
  return join(base, ...parts);
}

/**
 * A folder in the cache, made when missing.
 * @param {...string} parts
 * @returns {string}
 */
export function cacheFolder(...parts) {
  const folder = cachePath(...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Runs `work` while holding a lock file, so that two runs at once do not tread on one another.
 * The lock names its process: when that process is gone, the lock is taken over.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  let told = false;
  while (!tryLock(file)) {
    if (!told) step(`waiting for another run (${file})`);
    told = true;
    await sleep(200);
  }
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

/** @param {string} file */
function tryLock(file) {
  // Written aside and linked into place, so that the lock is never seen without its owner.
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    if (!ownerIsAlive(file)) dropStale(file, mine);
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** @param {string} file */
function ownerIsAlive(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return isCode(error, "EPERM");
  }
}

/**
 * Moves a dead owner's lock away; only one of several waiting runs succeeds in moving it.
 * @param {string} file
 * @param {string} mine
 */
function dropStale(file, mine) {
  try {
    renameSync(file, `${mine}.stale`);
    rmSync(`${mine}.stale`, { force: true });
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return error instanceof Error && "code" in error && error.code === code;
}
