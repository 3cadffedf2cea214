// Compiles the filters: filters/NAME/index.ts to build/NAME.wasm.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { compiledModule, replace } from "./module-cache.mjs";
import { root } from "./paths.mjs";
import { SetupError, run, step } from "./tools.mjs";

/** @returns {string[]} */
export function filterNames() {
  const folder = join(root, "filters");
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, "index.ts")));
}

/**
 * Compiles the filters whose sources changed since their module was built.
 * @param {readonly string[]} [names] All when left out.
 */
export async function buildFilters(names = filterNames()) {
  mkdirSync(join(root, "build"), { recursive: true });
  await Promise.all(names.map(buildFilter));
}

/** @param {string} name */
async function buildFilter(name) {
  const module = join(root, "build", `${name}.wasm`);
  const stamp = `${module}.source`;
  const source = hashOf([
    join(root, "filters", name),
    join(root, "filters", "common"),
    join(root, "assembly"),
    join(root, "asconfig.json"),
  ]);
  if (existsSync(module) && existsSync(stamp) && readFileSync(stamp, "utf8") === source) return;
  step(`compiling filters/${name}`);
  await compile(`filters/${name}/index.ts`, module);
  replace(stamp, source);
}

/**
 * Compiles one module, unless the cache has it. It appears under its name whole or not at all, for whoever watches it.
 * @param {string} entry Path of the source from the root.
 * @param {string} module Where the module goes.
 */
export async function compile(entry, module) {
  let compiled = compiledModule(entry);
  if (compiled === undefined) {
    try {
      await run(process.execPath, [join(root, "setup", "modules.mjs"), entry], { cwd: root });
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      throw new SetupError(`${entry} does not compile:\n${error.message}`);
    }
    compiled = compiledModule(entry);
    if (compiled === undefined) throw new SetupError(`${entry} changed while it was compiled`);
  }
  replace(module, readFileSync(compiled));
}

/**
 * The hash of what modules are made from.
 * @param {readonly string[]} paths Folders of sources, and files of JSON.
 */
export function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    if (!path.endsWith(".json")) hashFolder(path, hash);
    else hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}

/**
 * @param {string} folder
 * @param {import("node:crypto").Hash} hash
 */
function hashFolder(folder, hash) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!["node_modules", "__tests__"].includes(entry.name)) hashFolder(path, hash);
    } else if (/\.(ts|js)$/.test(entry.name) && !/\.(test|d)\.ts$/.test(entry.name)) {
      hash.update(`${entry.name}\0`).update(readFileSync(path));
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await buildFilters(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    step(error.message);
    process.exitCode = 1;
  }
}
