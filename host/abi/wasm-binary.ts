import type { ExternKind } from "../webassembly.ts";
import type { Signature, ValueType } from "./signature.ts";

/**
 * Reads what of a WebAssembly module matters to a host before it compiles it: types, imports, functions, memories and
 * exports. It is a reader of untrusted bytes: it never throws, never reads outside its input, and allocates in
 * proportion to the input's length.
 */

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Only of a function; undefined if its type is not in the module. */
  readonly signature?: Signature;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  /** Only of a function; undefined if its type is not in the module. */
  readonly signature?: Signature;
}

/** Sizes of a linear memory in pages of 64 KiB. */
export interface MemoryLimits {
  readonly minimum: number;
  readonly maximum?: number;
}

export interface WasmModule {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** The memories that the module defines, then those that it imports. */
  readonly memories: readonly MemoryLimits[];
}

export type ReadResult =
  { readonly ok: true; readonly module: WasmModule } | { readonly ok: false; readonly error: string };

const KINDS: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];
const VALUE_TYPES: Readonly<Record<number, ValueType>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

const Section = { Custom: 0, Type: 1, Import: 2, Function: 3, Memory: 5, Export: 7 } as const;

/** Thrown inside this file only; `readWasm` turns it into a value. */
class Malformed extends Error {}

/** A cursor over bytes; each read checks the bounds. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  byte(what: string): number {
    const value = this.position < this.end ? this.#bytes[this.position] : undefined;
    if (value === undefined)
      throw new Malformed(`at byte ${this.position}: expected ${what}, found the end of the data`);
    this.position++;
    return value;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(what: string): number {
    const start = this.position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Malformed(`at byte ${start}: expected ${what} as a number of 32 bits, found a longer one`);
  }

  /** A count of items that take at least one byte each, so that it cannot ask for more memory than the input has. */
  count(what: string): number {
    const start = this.position;
    const value = this.u32(what);
    if (value > this.end - this.position) {
      throw new Malformed(
        `at byte ${start}: ${what} is ${value}, more than the ${this.end - this.position} bytes that follow`,
      );
    }
    return value;
  }

  /** The next `length` bytes as a cursor of their own. */
  slice(length: number): ByteReader {
    const part = new ByteReader(this.#bytes, this.position, this.position + length);
    this.position += length;
    return part;
  }

  name(what: string): string {
    const length = this.count(`the length of ${what}`);
    const start = this.position;
    this.position += length;
    return new TextDecoder().decode(this.#bytes.subarray(start, this.position));
  }
}

/** Reads the sections of a module. The result's error says at which byte, what was expected and what was found. */
export function readWasm(bytes: Uint8Array): ReadResult {
  try {
    return { ok: true, module: readModule(bytes) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, error: error.message };
    throw error;
  }
}

/** Calls `visit` with the number and the content of each section, in order. */
export function* sections(bytes: Uint8Array): Generator<{ id: number; start: number; body: ByteReader }> {
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  if (!magic.every((byte, i) => bytes[i] === byte)) {
    const found = Buffer.from(bytes.subarray(0, 8)).toString("hex") || "nothing";
    throw new Malformed(`at byte 0: expected the header of WebAssembly version 1 (0061736d01000000), found ${found}`);
  }
  const reader = new ByteReader(bytes, magic.length);
  while (!reader.done) {
    const start = reader.position;
    const id = reader.byte("the number of a section");
    yield { id, start, body: reader.slice(reader.count(`the length of section ${id}`)) };
  }
}

function readModule(bytes: Uint8Array): WasmModule {
  const types: (Signature | undefined)[] = [];
  const functions: (Signature | undefined)[] = [];
  const imports: Import[] = [];
  const exports: Export[] = [];
  const memories: MemoryLimits[] = [];
  const importedMemories: MemoryLimits[] = [];

  for (const { id, body } of sections(bytes)) {
    switch (id) {
      case Section.Type:
        readTypes(body, types);
        break;
      case Section.Import:
        for (let n = body.count("the number of imports"); n > 0; n--) {
          const item = readImport(body, types, importedMemories);
          imports.push(item);
          if (item.kind === "function") functions.push(item.signature);
        }
        break;
      case Section.Function:
        for (let n = body.count("the number of functions"); n > 0; n--) functions.push(types[body.u32("a type index")]);
        break;
      case Section.Memory:
        for (let n = body.count("the number of memories"); n > 0; n--) memories.push(readLimits(body));
        break;
      case Section.Export:
        for (let n = body.count("the number of exports"); n > 0; n--) exports.push(readExport(body, functions));
        break;
      default:
        break;
    }
  }
  return { imports, exports, memories: [...memories, ...importedMemories] };
}

function readTypes(body: ByteReader, types: (Signature | undefined)[]): void {
  for (let n = body.count("the number of types"); n > 0; n--) {
    const form = body.byte("a type");
    if (form !== 0x60) {
      throw new Malformed(
        `at byte ${body.position - 1}: expected a function type (0x60), found 0x${form.toString(16)} (types of the GC proposal are not read)`,
      );
    }
    types.push({ params: readValueTypes(body), results: readValueTypes(body) });
  }
}

function readValueTypes(body: ByteReader): ValueType[] {
  const types: ValueType[] = [];
  for (let n = body.count("the number of value types"); n > 0; n--) {
    const code = body.byte("a value type");
    // 0x63 and 0x64 are references to a heap type, whose index or code follows.
    if (code === 0x63 || code === 0x64) body.u32("a heap type");
    types.push(VALUE_TYPES[code] ?? "unknown");
  }
  return types;
}

function readImport(body: ByteReader, types: readonly (Signature | undefined)[], memories: MemoryLimits[]): Import {
  const module = body.name("an import's module");
  const name = body.name("an import's name");
  const kind = readKind(body);
  switch (kind) {
    case "function": {
      const signature = types[body.u32("a type index")];
      return { module, name, kind, ...(signature && { signature }) };
    }
    case "table":
      body.byte("a table's element type");
      readLimits(body);
      break;
    case "memory":
      memories.push(readLimits(body));
      break;
    case "global":
      body.byte("a global's type");
      body.byte("a global's mutability");
      break;
    case "tag":
      body.byte("a tag's attribute");
      body.u32("a tag's type index");
      break;
  }
  return { module, name, kind };
}

function readExport(body: ByteReader, functions: readonly (Signature | undefined)[]): Export {
  const name = body.name("an export's name");
  const kind = readKind(body);
  const index = body.u32("an export's index");
  const signature = kind === "function" ? functions[index] : undefined;
  return { name, kind, ...(signature && { signature }) };
}

function readKind(body: ByteReader): ExternKind {
  const code = body.byte("a kind of import or export");
  const kind = KINDS[code];
  if (kind === undefined)
    throw new Malformed(`at byte ${body.position - 1}: expected a kind from 0 to 4, found ${code}`);
  return kind;
}

export function readLimits(body: ByteReader): MemoryLimits & { readonly flags: number } {
  const flags = body.byte("the limits of a memory or table");
  const minimum = body.u32("a minimum size");
  if ((flags & 1) === 0) return { flags, minimum };
  return { flags, minimum, maximum: body.u32("a maximum size") };
}
