/** Bytes as people write them in a test: a string stands for its UTF-8. */
export type Bytes = string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A copy of the bytes, so that later changes on either side do not show on the other. */
export function toBytes(value: Bytes): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : Uint8Array.from(value);
}

/** The bytes read as UTF-8; what is not UTF-8 becomes U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** One character for each byte: a lossless form of arbitrary bytes that can be a key of a Map. */
export function toKey(value: Bytes): string {
  return Buffer.from(toBytes(value)).toString("latin1");
}

/** The inverse of {@link toKey}. */
export function fromKey(key: string): Uint8Array {
  return Uint8Array.from(Buffer.from(key, "latin1"));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

export const EMPTY: Uint8Array = new Uint8Array(0);
