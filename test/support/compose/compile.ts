import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { withLock } from "../../../controlplane/envoy-binary/cache.mjs";
import { buildFilter, withComposed } from "../../../controlplane/filter/index.ts";
import { hashOf } from "../../../setup/filters.mjs";
import { compilerHash } from "../../../setup/module-cache.mjs";
import { root } from "../../../setup/paths.mjs";

const kept = join(root, "build", "composed");

/**
 * Compiles filters of this repository, named by their folders from the root, into one module. What was compiled is
 * kept, as several tests use it, at once too.
 */
export async function compileComposed(name: string, filters: readonly string[], module: string): Promise<void> {
  const sources = hashOf([...["assembly", "filters"].map((folder) => join(root, folder)), join(root, "asconfig.json")]);
  const key = createHash("sha256")
    .update(JSON.stringify([name, filters, sources, compilerHash()]))
    .digest("hex");
  const path = join(kept, `${key}.wasm`);
  mkdirSync(kept, { recursive: true });
  await withLock(join(kept, `${key}.lock`), async () => {
    if (!existsSync(path)) await compile(name, filters, path);
  });
  copyFileSync(path, module);
}

async function compile(name: string, filters: readonly string[], module: string): Promise<void> {
  const folder = mkdtempSync(join(kept, "compose-"));
  const manifest = join(folder, `${name}.json`);
  const paths = filters.map((filter) => relative(folder, join(root, filter)));
  try {
    writeFileSync(manifest, JSON.stringify({ name, filters: paths }));
    const out = join(folder, "composed.wasm");
    const result = await withComposed(manifest, (project) => buildFilter(project, { debug: false, out }));
    assert.ok(result.ok, result.ok ? "" : result.problems.join("\n"));
    renameSync(out, module);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
