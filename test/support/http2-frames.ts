// Frames of HTTP/2 (RFC 9113), as far as tests need what Node's own HTTP/2 cannot send: METADATA.

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FrameType = { Data: 0x0, Headers: 0x1, Settings: 0x4, Metadata: 0x4d } as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Flag = { None: 0, EndStream: 0x1, Ack: 0x1, EndHeaders: 0x4 } as const;

export function frame(type: FrameType, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as literals without a table and without Huffman codes (RFC 7541, section 6.2.2); texts of up to 126 bytes. */
export function fields(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return Buffer.concat(parts);
}

/** METADATA ends its block with the same flag as HEADERS. */
export function metadata(stream: number, entries: Readonly<Record<string, string>>): Buffer {
  return frame(FrameType.Metadata, Flag.EndHeaders, stream, fields(entries));
}

/** The types and streams of the frames that arrive, one at a time, of a connection whose preface is cut off. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  *push(data: Buffer): Generator<{ readonly type: number; readonly flags: number; readonly stream: number }> {
    this.#rest = Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type, flags, stream] = [this.#rest.readUInt8(3), this.#rest.readUInt8(4), this.#rest.readUInt32BE(5)];
      this.#rest = this.#rest.subarray(9 + length);
      yield { type, flags, stream };
    }
  }
}
