import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../../setup/filters.mjs";
import { root } from "../../setup/paths.mjs";

/** The module of test/fixtures/probe.ts, built once a process. */
export function probeModule(): Promise<Buffer> {
  return (probe ??= build());
}

let probe: Promise<Buffer> | undefined;

async function build(): Promise<Buffer> {
  const file = join(root, "build", `probe.${String(process.pid)}.test.wasm`);
  await compile("test/fixtures/probe.ts", file);
  return readFileSync(file);
}

/** The same module under another hash: with a custom section (WebAssembly 1.0, section 2.5.1) that says so. */
export function withNote(module: Uint8Array, note: string): Buffer {
  const name = Buffer.from(`\x04note${note}`);
  if (name.length > 127) throw new RangeError("the note is too long");
  return Buffer.concat([module, Buffer.from([0, name.length]), name]);
}
