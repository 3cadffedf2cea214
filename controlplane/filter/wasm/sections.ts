/** One section of a WebAssembly module, as positions in its bytes. */
export interface Section {
  /** 0 for a custom section. */
  readonly id: number;
  /** Of a custom section only. */
  readonly name: string | undefined;
  /** Where the section's id stands. */
  readonly start: number;
  /** Where its content begins; of a custom section, after the name. */
  readonly content: number;
  readonly end: number;
}

/** The bytes of one function's body, its locals included. */
export interface FunctionBody {
  /** Among all functions of the module, imported ones first. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** A reader of the numbers and texts of the binary format. Reading past the end throws a RangeError. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined || this.position >= this.end) throw new RangeError("unexpected end of the module");
    this.position += 1;
    return value;
  }

  /** An unsigned LEB128 number of 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number is longer than 32 bits");
  }

  text(): string {
    const start = this.take(this.u32());
    return new TextDecoder().decode(this.bytes.subarray(start, this.position));
  }

  /** Skips some bytes; gives where they begin. */
  take(size: number): number {
    const start = this.position;
    if (size > this.end - start) throw new RangeError("unexpected end of the module");
    this.position += size;
    return start;
  }
}

/** An unsigned number as LEB128. */
export function leb128(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return bytes;
}

/**
 * The sections of a module in their order.
 * @throws RangeError when the bytes are no well-formed module.
 */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = new Reader(bytes, 8);
  const sections: Section[] = [];
  while (reader.position < bytes.length) {
    const start = reader.position;
    const id = reader.byte();
    const size = reader.u32();
    const content = reader.take(size);
    const end = reader.position;
    if (id !== 0) sections.push({ id, name: undefined, start, content, end });
    else {
      const inner = new Reader(bytes, content, end);
      const name = inner.text();
      sections.push({ id, name, start, content: inner.position, end });
    }
  }
  return sections;
}

const CODE_SECTION = 10;

/** The bodies of the functions that a module defines. */
export function readFunctionBodies(bytes: Uint8Array, sections: readonly Section[], imported: number): FunctionBody[] {
  const code = sections.find(({ id }) => id === CODE_SECTION);
  if (code === undefined) return [];
  const reader = new Reader(bytes, code.content, code.end);
  const bodies: FunctionBody[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) {
    const start = reader.take(reader.u32());
    bodies.push({ index: imported + bodies.length, start, end: reader.position });
  }
  return bodies;
}
