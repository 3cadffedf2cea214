import { ByteWriter, Bytes } from "proxy-wasm-assemblyscript-sdk";

/** Puts one text in place of another, in bytes: nothing is assumed of the encoding but that both texts are in it. */
export class Replacement {
  private from: Uint8Array;
  private to: Uint8Array;

  /** @param from At least one byte. */
  constructor(from: string, to: string) {
    this.from = Bytes.utf8(from).copy();
    this.to = Bytes.utf8(to).copy();
  }

  /**
   * Writes `text` with every hit replaced.
   * @param last Whether nothing follows. If something does, what may be the beginning of a hit is not written.
   * @returns How many bytes at the end of `text` were not written.
   */
  write(text: Bytes, last: bool, out: ByteWriter): i32 {
    const from = Bytes.of(this.from);
    let written = 0;
    for (let at = text.indexOf(from[0]); at >= 0;) {
      const size = min(from.size, text.size - at);
      if (memory.compare(text.pointer + at, from.pointer, size) != 0) {
        at = text.indexOf(from[0], at + 1);
        continue;
      }
      if (size < from.size) {
        if (last) break;
        out.write(text.slice(written, at));
        return size;
      }
      out.write(text.slice(written, at)).write(Bytes.of(this.to));
      written = at + size;
      at = text.indexOf(from[0], written);
    }
    out.write(text.slice(written));
    return 0;
  }
}
