import { toBytes, toText, type Bytes } from "./bytes.ts";
import { HeaderMap } from "./header-map.ts";
import { marshalPairs, type Pair } from "./pairs.ts";

/**
 * A property as a test writes it. On the wire there is no type, only these encodings:
 * a string or bytes as they are; a whole number or a bigint as 8 bytes (int, uint, and a duration in nanoseconds); another
 * number as a double; a boolean as one byte; a Date as a timestamp in nanoseconds; an object or a header map as pairs; an
 * array as pairs with empty values. A protobuf message is given as its bytes.
 */
export type Property = Bytes | number | bigint | boolean | Date | HeaderMap | readonly Property[] | PropertyMap;
export interface PropertyMap {
  readonly [name: string]: Property;
}

/** Forces the encoding of a double on a whole number, as in `double(1)`. */
export function double(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

/** Lays the trees over one another, the last one on top. A dot in a top-level name separates the parts of a path. */
export function mergeProperties(...trees: readonly PropertyMap[]): PropertyMap {
  const merged: Record<string, Property> = {};
  for (const tree of trees) {
    for (const [path, value] of Object.entries(tree)) place(merged, path.split("."), value);
  }
  return merged;
}

function place(tree: Record<string, Property>, path: readonly string[], value: Property): void {
  const [name = "", ...rest] = path;
  const before = tree[name];
  const branch = before !== undefined && isMap(before) ? { ...before } : {};
  if (rest.length > 0) {
    place(branch, rest, value);
    tree[name] = branch;
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) place(branch, [key], item);
    tree[name] = branch;
  } else {
    tree[name] = value;
  }
}

/** Walks down from a value. Names are map keys or header names, decimal numbers are list positions. */
export function walk(value: Property | undefined, path: readonly string[]): Property | undefined {
  let here = value;
  for (const name of path) {
    if (here === undefined) return undefined;
    here = step(here, name);
  }
  return here;
}

function step(value: Property, name: string): Property | undefined {
  if (value instanceof HeaderMap) return value.getJoined(name);
  if (isList(value)) return /^\d+$/.test(name) ? value[Number(name)] : undefined;
  if (isMap(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  return undefined;
}

/** The bytes that `proxy_get_property` gives. */
export function encodeProperty(value: Property): Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return toBytes(value);
  switch (typeof value) {
    case "boolean":
      return Uint8Array.of(value ? 1 : 0);
    case "bigint":
      return int64(value);
    case "number":
      return Number.isInteger(value) ? int64(BigInt(value)) : double(value);
    default:
      break;
  }
  if (value instanceof Date) return int64(BigInt(value.getTime()) * 1_000_000n);
  return marshalPairs(pairsOf(value));
}

function pairsOf(value: HeaderMap | readonly Property[] | PropertyMap): Pair[] {
  if (value instanceof HeaderMap) {
    const names = new Set(value.pairs().map(([name]) => toText(name)));
    return [...names].map((name): Pair => [toBytes(name), value.getJoined(name) ?? toBytes("")]);
  }
  if (isList(value)) return value.map((item): Pair => [encodeProperty(item), toBytes("")]);
  return Object.entries(value).map(([name, item]): Pair => [toBytes(name), encodeProperty(item)]);
}

function int64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return bytes;
}

function isList(value: Property): value is readonly Property[] {
  return Array.isArray(value);
}

function isMap(value: Property): value is PropertyMap {
  return (
    typeof value === "object" &&
    !isList(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof HeaderMap) &&
    !(value instanceof Date)
  );
}
