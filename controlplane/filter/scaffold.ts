import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FilterError } from "./filter-error.ts";
import { packagesFor, packageRoot } from "./packages.ts";

export interface Scaffolded {
  readonly folder: string;
  readonly name: string;
}

/** A name of a package of npm, without a scope, that is also a resource's name and a file's. */
const validName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const MAX_NAME = 63;

/**
 * Makes a new project of a filter: sources, a test, a configuration for Envoy, and all it needs to be installed.
 * @param folder where it goes; must not exist, or be empty.
 * @throws FilterError when the name or the folder will not do. Nothing is left behind then.
 */
export function scaffold(name: string, folder: string): Scaffolded {
  if (!validName.test(name) || name.length > MAX_NAME) {
    throw new FilterError(
      `"${name}": expected a name of lower-case letters, digits and single dashes, at most ${String(MAX_NAME)}, such as my-filter`,
    );
  }
  const isThere = existsSync(folder);
  if (isThere && readdirSync(folder).length > 0)
    throw new FilterError(`${folder} is there already; nothing was changed`);
  try {
    mkdirSync(folder, { recursive: true });
    cpSync(join(packageRoot(), "filter", "template"), folder, { recursive: true });
    // npm leaves files of this name out of packages.
    renameSync(join(folder, "gitignore"), join(folder, ".gitignore"));
    fillIn(folder, name);
    addPackages(folder);
  } catch (error) {
    if (isThere) for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true });
    else rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return { folder, name };
}

/** Puts the name in place of `__NAME__`, and as a class's name in place of `__CLASS__`. */
function fillIn(folder: string, name: string): void {
  const className = name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("__NAME__", name).replaceAll("__CLASS__", className));
  }
}

function addPackages(folder: string): void {
  const file = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { devDependencies?: Record<string, string> };
  manifest.devDependencies = packagesFor(folder);
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
