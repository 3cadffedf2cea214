import { readLimits, sections, type ByteReader } from "./wasm-binary.ts";

/**
 * Rewrites the memory section of a valid module so that no memory can grow past `pages` pages of 64 KiB. Envoy tells its
 * V8 the same limit for the whole process, which Node cannot do for one module.
 */
export function capMemory(bytes: Uint8Array, pages: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { id, start, body } of sections(bytes)) {
    if (id !== MEMORY_SECTION) continue;
    const section = cappedSection(body, pages);
    parts.push(bytes.subarray(copied, start), section);
    copied = body.end;
  }
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
}

const MEMORY_SECTION = 5;

function cappedSection(body: ByteReader, pages: number): Uint8Array {
  const count = body.count("the number of memories");
  const content = [...leb(count)];
  for (let n = count; n > 0; n--) {
    const { flags, minimum, maximum = pages } = readLimits(body);
    content.push(flags | 1, ...leb(minimum), ...leb(Math.max(minimum, Math.min(maximum, pages))));
  }
  return Uint8Array.from([MEMORY_SECTION, ...leb(content.length), ...content]);
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}
