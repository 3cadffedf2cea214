import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { composedEntry } from "../../../assembly/transform/compose.ts";
import { compile } from "../../../setup/filters.mjs";
import { root } from "../../../setup/paths.mjs";

/** Compiles filters of this repository, named by their folders from the root, into one module. */
export async function compileComposed(name: string, filters: readonly string[], module: string): Promise<void> {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "compose-"));
  const paths = filters.map((filter) => `./${relative(folder, join(root, filter))}`);
  try {
    writeFileSync(join(folder, "entry.ts"), composedEntry({ name, filters: paths }));
    await compile(relative(root, join(folder, "entry.ts")), module);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
