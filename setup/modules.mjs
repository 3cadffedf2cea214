// Compiles modules into the cache, one after another in one process, where the compiler is warm after the first:
// `node setup/modules.mjs ENTRY...`, or without arguments all that several tests use.
import { readFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { globSync } from "./glob.mjs";
import { compiledModule, keepModule, pruneModules } from "./module-cache.mjs";
import { root } from "./paths.mjs";

// By a path, as its type declarations replace those of JavaScript's arrays.
const asc = await import(pathToFileURL(join(root, "node_modules", "assemblyscript", "dist", "asc.js")).href);

/**
 * @param {string} entry Path of the source from the root.
 * @returns {Promise<string>} What the compiler said if it made no module; empty otherwise.
 */
async function compileIntoCache(entry) {
  /** @type {Map<string, string | null>} */
  const asked = new Map();
  /** @type {Uint8Array | undefined} */
  let module;
  let said = "";
  const { error } = await asc.main([entry, "--target", "release", "--outFile", "module.wasm"], {
    stderr: { write: (/** @type {unknown} */ text) => void (said += String(text)) },
    readFile: async (/** @type {string} */ name, /** @type {string} */ base) => {
      const path = resolve(base, name);
      const text = await readFile(path, "utf8").catch(() => null);
      asked.set(relative(root, path).split(sep).join("/"), text);
      return text;
    },
    writeFile: (/** @type {string} */ _name, /** @type {Uint8Array} */ bytes) => void (module = bytes),
  });
  if (error !== null || module === undefined) return said;
  keepModule(entry, asked, module);
  return "";
}

/** @returns {string[]} */
function usedByTests() {
  const fixtures = globSync(["test/fixtures"], ".ts").filter((path) => path.split("/").length === 3);
  const composed = ["apart", "fused", "life"].map((name) => `test/fixtures/compose/${name}.ts`);
  return [...fixtures, ...composed, ...globSync(["examples"], "index.ts")];
}

process.chdir(root);
const asked = process.argv.slice(2);
if (asked.length === 0) pruneModules();
for (const entry of asked.length > 0 ? asked : usedByTests()) {
  if (compiledModule(entry) !== undefined) continue;
  const said = await compileIntoCache(entry);
  if (said !== "") {
    process.stderr.write(said);
    process.exitCode = 1;
  }
}
