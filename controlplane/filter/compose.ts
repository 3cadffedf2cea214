import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { FilterError } from "./filter-error.ts";
import { findProject, SDK, type Project } from "./project.ts";

/** What the SDK's `transform/compose` exports; the project's own SDK is used, which its filters are compiled with. */
interface ComposeModule {
  parseManifest(text: string): { readonly name: string; readonly filters: readonly string[] };
  composedEntry(manifest: { readonly name: string; readonly filters: readonly string[] }): string;
}

/** Whether a path names a manifest of filters to link into one module, not a filter. */
export function isManifest(path: string): boolean {
  return path.endsWith(".json");
}

/**
 * Calls `use` with the project of a composed module. Its entry is written beside the manifest, and removed in the end.
 * @throws FilterError when the manifest is not one.
 */
export async function withComposed<T>(path: string, use: (project: Project) => Promise<T>): Promise<T> {
  const text = readManifest(path);
  const folder = mkdtempSync(join(dirname(resolve(path)), ".compose-"));
  try {
    const entry = join(folder, "index.ts");
    writeFileSync(entry, "");
    const project = findProject(entry);
    const compose = await composeModule(project.root);
    const manifest = parse(compose, path, text);
    const filters = manifest.filters.map((filter) => relocate(filter, dirname(resolve(path)), folder));
    writeFileSync(entry, compose.composedEntry({ name: manifest.name, filters }));
    return await use({ ...project, name: manifest.name });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readManifest(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new FilterError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse(compose: ComposeModule, path: string, text: string): ReturnType<ComposeModule["parseManifest"]> {
  try {
    return compose.parseManifest(text);
  } catch (error) {
    throw new FilterError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function composeModule(root: string): Promise<ComposeModule> {
  const file = createRequire(join(root, "package.json")).resolve(`${SDK}/transform/compose`);
  return (await import(pathToFileURL(file).href)) as ComposeModule;
}

/** A path of the manifest as seen from another folder; the name of a package stays. */
function relocate(filter: string, from: string, to: string): string {
  return filter.startsWith(".") ? relative(to, resolve(from, filter)).replaceAll("\\", "/") : filter;
}
