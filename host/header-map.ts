import { concat, fromKey, toBytes, toKey, toText, type Bytes } from "./bytes.ts";
import { isCoalesced } from "./coalesced-headers.ts";
import type { Pair } from "./pairs.ts";

/** Headers as people write them in a test. A list keeps order and repeated names. */
export type HeadersInit =
  Iterable<readonly [Bytes, Bytes]> | Readonly<Record<string, string | Uint8Array | readonly Bytes[]>>;

/** What a map holds decides which repeated headers Envoy joins into one value. */
export type HeaderMapKind = "request" | "response" | "trailers";

interface Entry {
  /** Lower-case; one character for each byte. */
  readonly name: string;
  readonly value: Uint8Array;
}

/**
 * A header or trailer map with Envoy's behaviour: names are lower-cased, pseudo-headers come first, values are bytes, a
 * name may repeat, and a second value of a header that Envoy keeps in one slot is joined to the first with a comma.
 */
export class HeaderMap implements Iterable<[name: string, value: string]> {
  readonly kind: HeaderMapKind;
  #pseudo: Entry[] = [];
  #regular: Entry[] = [];

  constructor(kind: HeaderMapKind, init: HeadersInit = []) {
    this.kind = kind;
    for (const [name, value] of pairsOf(init)) this.add(name, value);
  }

  /** How many headers there are; a repeated name counts each time. */
  get size(): number {
    return this.#pseudo.length + this.#regular.length;
  }

  /** The lengths of all names and values, which is what `proxy_get_header_map_size` returns. */
  get byteSize(): number {
    return this.#entries().reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  }

  /** The first value, read as UTF-8. */
  get(name: Bytes): string | undefined {
    const value = this.getBytes(name);
    return value && toText(value);
  }

  /** The first value. */
  getBytes(name: Bytes): Uint8Array | undefined {
    const key = this.#key(name);
    return this.#entries().find((entry) => entry.name === key)?.value;
  }

  /** Every value of a name, in order, read as UTF-8. */
  getAll(name: Bytes): string[] {
    const key = this.#key(name);
    return this.#entries().flatMap((entry) => (entry.name === key ? [toText(entry.value)] : []));
  }

  /** Every value of a name joined with commas, as Envoy gives a header as a property. */
  getJoined(name: Bytes): Uint8Array | undefined {
    const key = this.#key(name);
    const values = this.#entries().flatMap((entry) => (entry.name === key ? [entry.value] : []));
    const [first, ...rest] = values;
    return first && concat(first, ...rest.flatMap((value) => [toBytes(","), value]));
  }

  has(name: Bytes): boolean {
    return this.getBytes(name) !== undefined;
  }

  add(name: Bytes, value: Bytes): void {
    const key = this.#key(name);
    const list = key.startsWith(":") ? this.#pseudo : this.#regular;
    const first = isCoalesced(this.kind, key) ? list.findIndex((entry) => entry.name === key) : -1;
    const before = list[first];
    if (before === undefined) list.push({ name: key, value: toBytes(value) });
    else list[first] = { name: key, value: join(before.value, toBytes(value)) };
  }

  /** Removes every value of the name, then adds this one at the end. */
  replace(name: Bytes, value: Bytes): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: Bytes): void {
    const key = this.#key(name);
    this.#pseudo = this.#pseudo.filter((entry) => entry.name !== key);
    this.#regular = this.#regular.filter((entry) => entry.name !== key);
  }

  clear(): void {
    this.#pseudo = [];
    this.#regular = [];
  }

  /** Every header as bytes, in order. */
  pairs(): Pair[] {
    return this.#entries().map(({ name, value }): Pair => [fromKey(name), value]);
  }

  /** Every header as text, in order; handy in `assert.deepEqual`. */
  entries(): [name: string, value: string][] {
    return this.pairs().map(([name, value]) => [toText(name), toText(value)]);
  }

  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return this.entries()[Symbol.iterator]();
  }

  /** A map of its own with the same headers. */
  copy(): HeaderMap {
    const copy = new HeaderMap(this.kind);
    copy.#pseudo = [...this.#pseudo];
    copy.#regular = [...this.#regular];
    return copy;
  }

  /** Lower-case. In a request Envoy takes host for another name of :authority. */
  #key(name: Bytes): string {
    const key = toKey(name).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    return key === "host" && this.kind === "request" ? ":authority" : key;
  }

  #entries(): Entry[] {
    return [...this.#pseudo, ...this.#regular];
  }
}

/** Envoy leaves the comma out if either side is empty. */
function join(before: Uint8Array, added: Uint8Array): Uint8Array {
  if (added.length === 0) return before;
  return before.length === 0 ? added : concat(before, toBytes(","), added);
}

function* pairsOf(init: HeadersInit): Generator<readonly [Bytes, Bytes]> {
  if (isIterable(init)) {
    yield* init;
    return;
  }
  for (const [name, value] of Object.entries(init)) {
    if (typeof value === "string" || value instanceof Uint8Array) yield [name, value];
    else for (const item of value) yield [name, item];
  }
}

function isIterable(init: HeadersInit): init is Iterable<readonly [Bytes, Bytes]> {
  return Symbol.iterator in init;
}
