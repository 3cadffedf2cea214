/**
 * A map with a few entries of its own upon another one that many share. Immutable, and in the order of its names as long as both parts are.
 *
 * No name may be in both.
 */
export class LayeredMap<Value> implements ReadonlyMap<string, Value> {
  readonly base: ReadonlyMap<string, Value>;
  readonly own: ReadonlyMap<string, Value>;

  constructor(base: ReadonlyMap<string, Value>, own: ReadonlyMap<string, Value>) {
    this.base = base;
    this.own = own;
  }

  get size(): number {
    return this.base.size + this.own.size;
  }

  get(name: string): Value | undefined {
    return this.own.get(name) ?? this.base.get(name);
  }

  has(name: string): boolean {
    return this.own.has(name) || this.base.has(name);
  }

  forEach(call: (value: Value, name: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [name, value] of this) call(value, name, this);
  }

  *[Symbol.iterator](): MapIterator<[string, Value]> {
    const mine = this.own.entries();
    let next = mine.next();
    for (const entry of this.base) {
      while (next.done !== true && next.value[0] < entry[0]) {
        yield next.value;
        next = mine.next();
      }
      yield entry;
    }
    while (next.done !== true) {
      yield next.value;
      next = mine.next();
    }
    return undefined;
  }

  entries(): MapIterator<[string, Value]> {
    return this[Symbol.iterator]();
  }

  *keys(): MapIterator<string> {
    for (const [name] of this) yield name;
    return undefined;
  }

  *values(): MapIterator<Value> {
    for (const [, value] of this) yield value;
    return undefined;
  }
}
