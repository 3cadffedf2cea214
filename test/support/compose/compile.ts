import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildFilter, withComposed } from "../../../controlplane/filter/index.ts";
import { root } from "../../../setup/paths.mjs";

/** Compiles filters of this repository, named by their folders from the root, into one module. */
export async function compileComposed(name: string, filters: readonly string[], module: string): Promise<void> {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "compose-"));
  const manifest = join(folder, `${name}.json`);
  const paths = filters.map((filter) => relative(folder, join(root, filter)));
  try {
    writeFileSync(manifest, JSON.stringify({ name, filters: paths }));
    const result = await withComposed(manifest, (project) => buildFilter(project, { debug: false, out: module }));
    assert.ok(result.ok, result.ok ? "" : result.problems.join("\n"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
