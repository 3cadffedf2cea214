import { createHash, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { ConflictError, MAX_BLOB, type BlobVersion, type Store } from "./store.ts";

/** What takes the place of a text that is kept in parts. A text itself is kept with gzip, which begins otherwise. */
interface Index {
  /** Its parts are the values `<name>/<id>/<number>`. */
  readonly id: string;
  readonly parts: number;
  /** Of the text with gzip. */
  readonly sha256: string;
}

/**
 * A text as a named value of a store, with gzip, in parts where it is larger than a value may be. The parts are written before the
 * value that names them, and removed after another took its place: who reads finds the whole text, as it was or as it is, whoever dies
 * in between. A writer that dies before it names its parts leaves them behind.
 */
export class LargeText {
  readonly #store: Store;
  readonly #name: string;
  readonly #partSize: number;

  /** @param name of the value, and the beginning of the names of its parts. @param partSize in bytes, for tests. */
  constructor(store: Store, name: string, partSize = MAX_BLOB) {
    this.#store = store;
    this.#name = name;
    this.#partSize = partSize;
  }

  /** @throws Error when a part is missing, or is not what was written. */
  async read(): Promise<{ readonly text: string; readonly version: BlobVersion } | undefined> {
    for (;;) {
      const blob = await this.#store.readBlob(this.#name);
      if (blob === undefined) return undefined;
      const whole = await this.#join(blob.value);
      if (whole !== undefined)
        return { text: (await promisify(gunzip)(whole)).toString("utf8"), version: blob.version };
      // Another took its place while it was read.
      const now = await this.#store.readBlob(this.#name);
      if (now?.version === blob.version) throw new Error(`${this.#name} is not whole in the store`);
    }
  }

  /**
   * Writes the text, and gives its version. What is there with the same content is left.
   *
   * @param expected the version that the writer knows, or undefined when there is to be none yet.
   * @throws ConflictError when there is another version, of other content.
   */
  async write(text: string, expected: BlobVersion | undefined): Promise<BlobVersion> {
    const value = await promisify(gzip)(text);
    const before = await this.#store.readBlob(this.#name);
    if (before !== undefined && holds(before.value, value)) return before.version;
    if (before?.version !== expected) throw new ConflictError(this.#name, expected, before?.version);
    const index = value.length > this.#partSize ? indexOf(value, this.#partSize) : undefined;
    if (index !== undefined) await this.#writeParts(index, value);
    try {
      const version = await this.#store.writeBlob(this.#name, index === undefined ? value : encode(index), expected);
      await this.#remove(before && decode(before.value));
      return version;
    } catch (error) {
      if (error instanceof ConflictError) await this.#remove(index);
      throw error;
    }
  }

  async #join(value: Uint8Array): Promise<Uint8Array | undefined> {
    const index = decode(value);
    if (index === undefined) return value;
    const parts: Uint8Array[] = [];
    for (let part = 0; part < index.parts; part++) {
      const found = await this.#store.readBlob(this.#nameOf(index, part));
      if (found === undefined) return undefined;
      parts.push(found.value);
    }
    const whole = Buffer.concat(parts);
    return hashOf(whole) === index.sha256 ? whole : undefined;
  }

  async #writeParts(index: Index, value: Uint8Array): Promise<void> {
    for (let part = 0; part < index.parts; part++) {
      const bytes = value.subarray(part * this.#partSize, (part + 1) * this.#partSize);
      await this.#store.writeBlob(this.#nameOf(index, part), bytes, undefined);
    }
  }

  async #remove(index: Index | undefined): Promise<void> {
    if (index === undefined) return;
    for (let part = 0; part < index.parts; part++) {
      const name = this.#nameOf(index, part);
      const found = await this.#store.readBlob(name);
      if (found !== undefined) await this.#store.deleteBlob(name, found.version);
    }
  }

  #nameOf({ id }: Index, part: number): string {
    return `${this.#name}/${id}/${part}`;
  }
}

function indexOf(value: Uint8Array, partSize: number): Index {
  // An id of its own: were it the hash, one writer could remove the parts that another is about to name.
  return { id: randomUUID(), parts: Math.ceil(value.length / partSize), sha256: hashOf(value) };
}

function encode(index: Index): Uint8Array {
  return Buffer.from(JSON.stringify(index));
}

function decode(value: Uint8Array): Index | undefined {
  return value[0] === 0x7b ? (JSON.parse(Buffer.from(value).toString("utf8")) as Index) : undefined;
}

/** Whether what is kept is this text with gzip. */
function holds(kept: Uint8Array, value: Uint8Array): boolean {
  const index = decode(kept);
  return index === undefined ? Buffer.compare(kept, value) === 0 : index.sha256 === hashOf(value);
}

function hashOf(value: Uint8Array): string {
  return createHash("sha256").update(value).digest("hex");
}
