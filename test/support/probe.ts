import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../setup/filters.mjs";

/** The module of test/fixtures/probe.ts, built once a process. */
export function probeModule(): Promise<Buffer> {
  return (probe ??= build());
}

let probe: Promise<Buffer> | undefined;

async function build(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-probe-"));
  try {
    await compile("test/fixtures/probe.ts", join(folder, "probe.wasm"));
    return readFileSync(join(folder, "probe.wasm"));
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
