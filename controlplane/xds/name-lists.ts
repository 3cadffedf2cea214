import { BinaryReader } from "@bufbuild/protobuf/wire";

/** Shorter lists are read sooner than they are found. */
const MIN_BYTES = 256;

/** Lists that are remembered. Sidecars of one mesh mostly ask for the same endpoints, in the same order. */
const MAX_LISTS = 32;

interface Known {
  readonly bytes: Buffer;
  readonly names: readonly string[];
}

/**
 * Reads lists of names. In the state of the world a client repeats its list with every acknowledgement, and thousands of
 * clients have the same one; a list that was read before is the same array again.
 */
export class NameLists {
  /** The last used last. */
  readonly #known: Known[] = [];

  /**
   * Reads entries of a repeated string that follow one another.
   *
   * @param start where the tag of the first one begins.
   * @param tag of the field, in one byte.
   */
  read(message: Uint8Array, start: number, tag: number): { readonly names: readonly string[]; readonly end: number } {
    const reader = new BinaryReader(message);
    reader.pos = start;
    while (message[reader.pos] === tag) {
      reader.pos += 1;
      const length = reader.uint32();
      reader.pos += length;
      if (reader.pos > message.length) throw new RangeError("premature EOF");
    }
    const end = reader.pos;
    const bytes = Buffer.from(message.buffer, message.byteOffset + start, end - start);
    if (bytes.length < MIN_BYTES) return { names: namesIn(bytes), end };
    const index = this.#known.findLastIndex((one) => one.bytes.equals(bytes));
    const known = index < 0 ? { bytes: Buffer.from(bytes), names: namesIn(bytes) } : this.#known.splice(index, 1)[0];
    if (known === undefined) return { names: namesIn(bytes), end };
    this.#known.push(known);
    if (this.#known.length > MAX_LISTS) this.#known.shift();
    return { names: known.names, end };
  }
}

function namesIn(bytes: Uint8Array): readonly string[] {
  const reader = new BinaryReader(bytes);
  const names: string[] = [];
  while (reader.pos < reader.len) {
    reader.uint32();
    names.push(reader.string(true));
  }
  return names;
}
