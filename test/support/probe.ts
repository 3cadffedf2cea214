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

/** The same module with a limit to its memory, in pages of 64 KiB (WebAssembly 1.0, section 5.5.8), as the option maximumMemory of asc makes it. */
export function withMemoryLimit(module: Uint8Array, pages: number): Buffer {
  const bytes = Buffer.from(module);
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at];
    const [length, start] = readUnsigned(bytes, at + 1);
    if (id !== 5) {
      at = start + length;
      continue;
    }
    // One memory, so far without a limit.
    const [minimum] = readUnsigned(bytes, start + 2);
    if (bytes[start] !== 1 || bytes[start + 1] !== 0) throw new RangeError("expected one memory without a limit");
    const section = [1, 1, ...unsigned(minimum), ...unsigned(pages)];
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([5, ...unsigned(section.length), ...section]),
      bytes.subarray(start + length),
    ]);
  }
  throw new RangeError("the module has no memory of its own");
}

/** A number in LEB128, and where what follows begins. */
function readUnsigned(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
