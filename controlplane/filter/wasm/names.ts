import { leb128, Reader, readSections } from "./sections.ts";

/** Of the subsections of the name section, the one with the names of functions. */
const FUNCTION_NAMES = 1;

/** The names of a module's functions by index: those of its name section; none without one. */
export function readFunctionNames(bytes: Uint8Array): Map<number, string> {
  const names = new Map<number, string>();
  const section = readSections(bytes).find(({ name }) => name === "name");
  if (section === undefined) return names;
  const reader = new Reader(bytes, section.content, section.end);
  while (reader.position < section.end) {
    const id = reader.byte();
    const size = reader.u32();
    const start = reader.take(size);
    if (id !== FUNCTION_NAMES) continue;
    const inner = new Reader(bytes, start, reader.position);
    for (let left = inner.u32(); left > 0; left -= 1) {
      const index = inner.u32();
      names.set(index, inner.text());
    }
  }
  return names;
}

/**
 * The module with other names for its functions. Nothing but the name section changes, and it moves to the end, so that
 * positions in the code stay what they were.
 */
export function withFunctionNames(bytes: Uint8Array, names: ReadonlyMap<number, string>): Uint8Array {
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const { name, start, end } of readSections(bytes)) {
    if (name !== "name") kept.push(bytes.subarray(start, end));
  }
  const entries = [...names].sort(([a], [b]) => a - b);
  const map = [...leb128(entries.length), ...entries.flatMap(([index, name]) => [...leb128(index), ...text(name)])];
  const content = [...text("name"), FUNCTION_NAMES, ...leb128(map.length), ...map];
  kept.push(Uint8Array.from([0, ...leb128(content.length), ...content]));
  return Buffer.concat(kept);
}

function text(value: string): number[] {
  const utf8 = new TextEncoder().encode(value);
  return [...leb128(utf8.length), ...utf8];
}
