import { concat, EMPTY, toBytes, type Bytes } from "../bytes.ts";

/**
 * As much of the protobuf wire format as the arguments of Envoy's foreign functions use: fields that are strings, bytes,
 * booleans and enums.
 */
export class Fields {
  readonly #values = new Map<number, Uint8Array | bigint>();

  /** Undefined if the bytes are not a protobuf message. */
  static parse(bytes: Uint8Array): Fields | undefined {
    const fields = new Fields();
    let at = 0;
    const varint = (): bigint | undefined => {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined) return undefined;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return BigInt.asUintN(64, value);
      }
      return undefined;
    };
    while (at < bytes.length) {
      const tag = varint();
      if (tag === undefined || tag >> 3n === 0n || tag >> 3n > 0x1fff_ffffn) return undefined;
      const value = readValue(Number(tag & 7n), varint, (length) => {
        const part = bytes.slice(at, at + length);
        at += length;
        return part.length === length ? part : undefined;
      });
      if (value === undefined) return undefined;
      fields.#values.set(Number(tag >> 3n), value);
    }
    return fields;
  }

  /** A field of strings or bytes; empty if it is not there. */
  bytes(field: number): Uint8Array {
    const value = this.#values.get(field);
    return value instanceof Uint8Array ? value : EMPTY;
  }

  text(field: number): string {
    return new TextDecoder().decode(this.bytes(field));
  }

  /** A boolean or enum; 0 if it is not there. */
  number(field: number): number {
    const value = this.#values.get(field);
    return typeof value === "bigint" ? Number(value) : 0;
  }
}

function readValue(
  wireType: number,
  varint: () => bigint | undefined,
  take: (length: number) => Uint8Array | undefined,
): Uint8Array | bigint | undefined {
  switch (wireType) {
    case 0:
      return varint();
    case 1:
      return take(8);
    case 2: {
      const length = varint();
      return length === undefined || length > 0x7fff_ffffn ? undefined : take(Number(length));
    }
    case 5:
      return take(4);
    default:
      return undefined;
  }
}

/** Writes fields in the order given; like protobuf itself it leaves out what has its default value. */
export function encodeFields(fields: Readonly<Record<number, boolean | Bytes>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === "boolean") {
      if (value) parts.push(Uint8Array.from([...varintOf(Number(field) << 3), 1]));
    } else {
      const bytes = toBytes(value);
      if (bytes.length > 0) {
        parts.push(Uint8Array.from([...varintOf((Number(field) << 3) | 2), ...varintOf(bytes.length)]), bytes);
      }
    }
  }
  return concat(...parts);
}

function varintOf(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}
