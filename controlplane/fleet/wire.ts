const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const BIT32 = 5;

/**
 * Reads a serialized message field by field, and messages in it by entering them; so nothing is made for what is passed
 * over. Its methods throw an Error where the bytes are no message.
 */
export class WireReader {
  /** The number of the field that `next` found. */
  field = 0;
  readonly #bytes: Buffer;
  /** Where the next field begins, and where the message ends. */
  #pos = 0;
  #end: number;
  #type = VARINT;
  /** The value of the field: where it begins (without its length), and if it is a varint, what it is. */
  #start = 0;
  #varint = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** Goes to the next field of the message. @returns false at its end. */
  next(): boolean {
    if (this.#pos >= this.#end) return false;
    const tag = this.#readVarint();
    this.field = Math.floor(tag / 8);
    this.#type = tag & 7;
    let length = 0;
    if (this.#type === VARINT) this.#varint = this.#readVarint();
    else if (this.#type === BIT64) length = 8;
    else if (this.#type === BYTES) length = this.#readVarint();
    else if (this.#type === BIT32) length = 4;
    else throw new Error(`no field has the type ${this.#type}`);
    this.#start = this.#pos;
    if (length > this.#end - this.#pos) throw new Error("the message ends early");
    this.#pos += length;
    return true;
  }

  /** Whether the field holds bytes, text or a message. */
  get isBytes(): boolean {
    return this.#type === BYTES;
  }

  /** The field's value if it is a varint, exact up to 2^53; otherwise 0. */
  get uint64(): number {
    return this.#type === VARINT ? this.#varint : 0;
  }

  /** The field's value if it is a double; otherwise 0. */
  get double(): number {
    return this.#type === BIT64 ? this.#bytes.readDoubleLE(this.#start) : 0;
  }

  /** The field's bytes as text. */
  get text(): string {
    return this.#bytes.toString("utf8", this.#start, this.#pos);
  }

  /** The field's bytes, which are not copied. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#pos);
  }

  /** Goes into the message that the field holds. @returns what `leave` needs. */
  enter(): number {
    const outer = this.#end;
    this.#end = this.#pos;
    this.#pos = this.#start;
    return outer;
  }

  /** Goes back out of the message, wherever it is in it, to after its field. */
  leave(outer: number): void {
    this.#pos = this.#end;
    this.#end = outer;
  }

  #readVarint(): number {
    let value = 0;
    for (let factor = 1, digits = 0; digits < 10 && this.#pos < this.#end; factor *= 128, digits++) {
      const byte = this.#bytes[this.#pos++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Error("the message ends early");
  }
}
