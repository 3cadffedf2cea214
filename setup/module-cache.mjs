// Compiled modules by what they were made from: tests of several files use the same ones, and several processes at once.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";

const folder = join(root, "build", "compiled");

/**
 * What a module was made from: files as the compiler asked for them, with the hash of each, or null where none was.
 * @typedef {{ compiler: string, files: Record<string, string | null>, module: string }} Compiled
 */

/**
 * The module that was compiled from a source, if nothing that it was made from has changed.
 * @param {string} entry Path of the source from the root.
 * @returns {string | undefined} Path of the module.
 */
export function compiledModule(entry) {
  const record = recordOf(entry);
  if (!existsSync(record)) return undefined;
  const { compiler, files, module } = /** @type {Compiled} */ (JSON.parse(readFileSync(record, "utf8")));
  if (compiler !== compilerHash()) return undefined;
  for (const [path, hash] of Object.entries(files)) {
    if (hashOfFile(path) !== hash) return undefined;
  }
  const path = join(folder, `${module}.wasm`);
  return existsSync(path) ? path : undefined;
}

/**
 * Keeps a module.
 * @param {string} entry Path of the source from the root.
 * @param {ReadonlyMap<string, string | null>} asked What the compiler got for each path, from the root, that it asked for.
 * @param {Uint8Array} bytes
 */
export function keepModule(entry, asked, bytes) {
  mkdirSync(folder, { recursive: true });
  const module = hashOf(bytes);
  const files = Object.fromEntries([...asked].map(([path, text]) => [path, text === null ? null : hashOf(text)]));
  /** @type {Compiled} */
  const compiled = { compiler: compilerHash(), files, module };
  replace(join(folder, `${module}.wasm`), bytes);
  replace(recordOf(entry), JSON.stringify(compiled));
}

/** Forgets what was compiled more than a month ago. */
export function pruneModules() {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - statSync(path).mtimeMs > 30 * 86_400_000) rmSync(path, { force: true });
  }
}

/**
 * A file appears whole or not at all.
 * @param {string} path
 * @param {string | Uint8Array} content
 */
export function replace(path, content) {
  const scratch = `${path}.${process.pid}.new`;
  writeFileSync(scratch, content);
  renameSync(scratch, path);
}

/** @param {string} entry */
function recordOf(entry) {
  return join(folder, `${hashOf(entry).slice(0, 32)}.json`);
}

/** The compiler, and the transform, which it loads by itself. */
export function compilerHash() {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(root, "node_modules", "assemblyscript", "package.json")));
  const transform = join(root, "assembly", "dist", "transform");
  for (const name of existsSync(transform) ? readdirSync(transform).sort() : []) {
    if (name.endsWith(".js")) hash.update(`${name}\0`).update(readFileSync(join(transform, name)));
  }
  return hash.digest("hex");
}

/** @param {string} path From the root. */
function hashOfFile(path) {
  try {
    return hashOf(readFileSync(join(root, path)));
  } catch {
    return null;
  }
}

/** @param {string | Uint8Array} content */
function hashOf(content) {
  return createHash("sha256").update(content).digest("hex");
}
