/** Filters to link into one module. */
export interface CompositionManifest {
  /** Root id of the composed plugin. */
  readonly name: string;
  /** Paths of filters, from the folder of the entry: `./filter.ts`, or a folder with an `index.ts`. */
  readonly filters: readonly string[];
}

/**
 * Reads a manifest such as `{ "name": "edge", "filters": ["../filters/authz", "./my-filter.ts"] }`.
 * @throws Error that names the field.
 */
export function parseManifest(text: string): CompositionManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`expected JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("expected an object");
  const unknown = Object.keys(value).find((key) => key !== "name" && key !== "filters");
  if (unknown !== undefined) throw new Error(`${unknown}: unknown field, expected one of name, filters`);
  const name: unknown = "name" in value ? value.name : undefined;
  if (typeof name !== "string" || name === "") throw new Error("name: expected a string that is not empty");
  const filters: unknown = "filters" in value ? value.filters : undefined;
  if (!Array.isArray(filters) || filters.length === 0) throw new Error("filters: expected an array of paths");
  const paths = filters.map((path: unknown, i) => {
    if (typeof path !== "string" || path === "") throw new Error(`filters[${String(i)}]: expected a path`);
    return path;
  });
  const names = [name, ...paths.map(filterName)];
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined) throw new Error(`filters: "${twice}" is the name of two: give each a file name of its own`);
  return { name, filters: paths };
}

/** The root id of a filter, which is the name of its file or folder. */
export function filterName(path: string): string {
  const name = path.replace(/(\/index)?(\.ts)?\/*$/, "");
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The source of the entry file of a composed module, to be compiled like that of any filter. */
export function composedEntry({ name, filters }: CompositionManifest): string {
  const text = (value: string): string => JSON.stringify(value);
  return [
    `import { composeRootContexts } from "proxy-wasm-assemblyscript-sdk/compose";\n`,
    ...filters.map((path) => `import ${text(importPath(path))};\n`),
    `\ncomposeRootContexts(${text(name)}, [${filters.map((path) => text(filterName(path))).join(", ")}]);\n`,
  ].join("");
}

/** A folder stands for its `index.ts`. What is not relative is a package's. */
function importPath(path: string): string {
  const isFile = path.endsWith(".ts");
  const bare = path.replace(/\.ts$/, "").replace(/\/+$/, "");
  return isFile || !path.startsWith(".") ? bare : `${bare}/index`;
}
