import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../setup/filters.mjs";

/** The module of test/fixtures/probe.ts. */
export function probeModule(): Promise<Buffer> {
  return fixtureModule("probe");
}

const built = new Map<string, Promise<Buffer>>();

/** The module of a file of test/fixtures, built once a process. */
export function fixtureModule(name: "probe" | "faulty"): Promise<Buffer> {
  const module = built.get(name) ?? build(name);
  built.set(name, module);
  return module;
}

async function build(name: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-probe-"));
  try {
    await compile(`test/fixtures/${name}.ts`, join(folder, "module.wasm"));
    return readFileSync(join(folder, "module.wasm"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same module under another hash: with a custom section (WebAssembly 1.0, section 2.5.1) that says so. */
export function withNote(module: Uint8Array, note: string): Buffer {
  const name = Buffer.from(`\x04note${note}`);
  if (name.length > 127) throw new RangeError("the note is too long");
  return Buffer.concat([module, Buffer.from([0, name.length]), name]);
}
