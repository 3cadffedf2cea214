import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { FilterError } from "./filter-error.ts";

/** The files of a filter, and the folder that its packages are installed in. */
export interface Project {
  /** The folder with `node_modules`; absolute. */
  readonly root: string;
  /** The entry source, relative to the root. */
  readonly entry: string;
  /** What the module is called, without `.wasm`. */
  readonly name: string;
  /** Relative to the root: the project's own, or the SDK's. */
  readonly config: string;
  /** asc as a module of JavaScript; absolute. */
  readonly compiler: string;
}

/** The package that filters are made with. */
export const SDK = "proxy-wasm-assemblyscript-sdk";
const entries = ["assembly/index.ts", "index.ts"];

/**
 * Finds the filter that a path names: an entry source, or a folder with `assembly/index.ts` or `index.ts`.
 * @throws FilterError when there is none, or its packages are not installed.
 */
export function findProject(path: string): Project {
  const full = resolve(path);
  if (!existsSync(full)) throw new FilterError(`${path}: no such file or folder`);
  const isFolder = statSync(full).isDirectory();
  const entry = isFolder ? entries.map((name) => join(full, name)).find((file) => existsSync(file)) : full;
  if (entry === undefined) {
    throw new FilterError(`${path}: expected a filter's source at ${entries.join(" or ")}, found neither`);
  }
  if (!entry.endsWith(".ts")) throw new FilterError(`${path}: expected a .ts file or a folder`);

  const root = ancestors(dirname(entry)).find((folder) => existsSync(join(folder, "node_modules", SDK)));
  if (root === undefined) {
    throw new FilterError(
      `${path}: the package ${SDK} is not installed in any folder above it; run npm install where the filter's package.json is`,
    );
  }
  const ownConfig = ancestors(dirname(entry))
    .filter((folder) => folder.startsWith(root))
    .map((folder) => join(folder, "asconfig.json"))
    .find((file) => existsSync(file));
  return {
    root,
    entry: posix(relative(root, entry)),
    name: nameOf(entry, isFolder ? full : undefined),
    config: posix(relative(root, ownConfig ?? join(root, "node_modules", SDK, "asconfig.json"))),
    compiler: findCompiler(root),
  };
}

/** The folders that hold a path, innermost first. */
function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

/** The package's name without its scope where the folder is a package; else the name of the folder or the file. */
function nameOf(entry: string, folder: string | undefined): string {
  const around = folder ?? dirname(entry);
  const manifest = join(around, "package.json");
  if (existsSync(manifest)) {
    const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: unknown };
    if (typeof name === "string" && name !== "") return name.replace(/^@[^/]*\//, "");
  }
  if (basename(entry) !== "index.ts") return basename(entry, ".ts");
  return basename(around) === "assembly" ? basename(dirname(around)) : basename(around);
}

function findCompiler(root: string): string {
  const installed = createRequire(join(root, "package.json"));
  try {
    return join(dirname(installed.resolve("assemblyscript/package.json")), "dist", "asc.js");
  } catch {
    throw new FilterError(
      `${root}: the package assemblyscript is not installed; run npm install --save-dev assemblyscript`,
    );
  }
}

function posix(path: string): string {
  return path.replaceAll("\\", "/");
}
