import { EMPTY } from "./bytes.ts";

/**
 * The wire format of header maps: a count, the lengths of all keys and values, then each key and value with a NUL after
 * it. All numbers are 32 bits, little-endian.
 */
export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** What the host reads from a module: more bytes or more pairs than this count as no pairs at all. */
export const PAIRS_MAX_BYTES = 1024 * 1024;
export const PAIRS_MAX_COUNT = 1024;

/** What a module is given: no pairs are no bytes, not a count of zero. */
export function encodePairs(pairs: readonly Pair[]): Uint8Array {
  return pairs.length === 0 ? EMPTY : marshalPairs(pairs);
}

/** The format itself, in which no pairs are a count of zero. */
export function marshalPairs(pairs: readonly Pair[]): Uint8Array {
  const lengths = 4 + 8 * pairs.length;
  const size = pairs.reduce((sum, [key, value]) => sum + key.length + value.length + 2, lengths);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pairs.length, true);
  let at = lengths;
  for (const [i, [key, value]] of pairs.entries()) {
    view.setUint32(4 + 8 * i, key.length, true);
    view.setUint32(8 + 8 * i, value.length, true);
    bytes.set(key, at);
    at += key.length + 1;
    bytes.set(value, at);
    at += value.length + 1;
  }
  return bytes;
}

/** Reads what a module sent. As in Envoy, anything malformed or over a limit reads as no pairs, in silence. */
export function decodePairs(bytes: Uint8Array): Pair[] {
  if (bytes.length < 4 || bytes.length > PAIRS_MAX_BYTES) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  const lengths = 4 + 8 * count;
  if (count > PAIRS_MAX_COUNT || lengths > bytes.length) return [];

  const pairs: Pair[] = [];
  let at = lengths;
  const next = (length: number): Uint8Array | undefined => {
    const end = at + length;
    if (end + 1 > bytes.length || bytes[end] !== 0) return undefined;
    const part = bytes.slice(at, end);
    at = end + 1;
    return part;
  };
  for (let i = 0; i < count; i++) {
    const key = next(view.getUint32(4 + 8 * i, true));
    const value = key && next(view.getUint32(8 + 8 * i, true));
    if (key === undefined || value === undefined) return [];
    pairs.push([key, value]);
  }
  return at === bytes.length ? pairs : [];
}
