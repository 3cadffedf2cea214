import { Bytes } from "../../bytes";
import { LRU_ENTRY_OVERHEAD, LruCache } from "../lru-cache";


@final
class Item {
  constructor(readonly id: i32) {}
}

function idOf(cache: LruCache<Item>, key: string): i32 {
  const item = cache.get(Bytes.utf8(key));
  return item === null ? -1 : item.id;
}

function set(cache: LruCache<Item>, key: string, id: i32, size: i32 = 0): bool {
  return cache.set(Bytes.utf8(key), new Item(id), size);
}

/** What the cache is to do, in the plainest way: a list, the one used last at its end. */
class Model {
  keys: string[] = [];
  ids: i32[] = [];
  sizes: i32[] = [];

  constructor(
    private maxEntries: i32,
    private maxBytes: i64,
  ) {}

  get bytes(): i64 {
    let sum: i64 = 0;
    for (let i = 0; i < this.keys.length; ++i) sum += this.keys[i].length + this.sizes[i] + LRU_ENTRY_OVERHEAD;
    return sum;
  }

  get(key: string): i32 {
    const at = this.keys.indexOf(key);
    if (at < 0) return -1;
    const id = this.ids[at];
    const size = this.sizes[at];
    this.delete(key);
    this.push(key, id, size);
    return id;
  }

  set(key: string, id: i32, size: i32): void {
    this.delete(key);
    if (key.length + size + LRU_ENTRY_OVERHEAD > this.maxBytes) return;
    this.push(key, id, size);
    while (this.keys.length > this.maxEntries || this.bytes > this.maxBytes) this.delete(this.keys[0]);
  }

  delete(key: string): bool {
    const at = this.keys.indexOf(key);
    if (at < 0) return false;
    this.keys.splice(at, 1);
    this.ids.splice(at, 1);
    this.sizes.splice(at, 1);
    return true;
  }

  private push(key: string, id: i32, size: i32): void {
    this.keys.push(key);
    this.ids.push(id);
    this.sizes.push(size);
  }
}

describe("LruCache", () => {
  test("finds whole keys only", () => {
    const cache = new LruCache<Item>(8, 10_000);
    set(cache, "token", 1);
    set(cache, "", 2);
    expect(idOf(cache, "token")).toBe(1);
    expect(idOf(cache, "tokem")).toBe(-1);
    expect(idOf(cache, "toke")).toBe(-1);
    expect(idOf(cache, "tokens")).toBe(-1);
    expect(idOf(cache, "")).toBe(2);
    expect(cache.size).toBe(2);
    expect(cache.byteSize).toBe(5 + 2 * LRU_ENTRY_OVERHEAD);
  });

  test("drops what was not used for longest", () => {
    const cache = new LruCache<Item>(3, 10_000);
    for (let i = 0; i < 3; ++i) set(cache, `k${i}`, i);
    expect(idOf(cache, "k0")).toBe(0);
    set(cache, "k3", 3);
    expect(idOf(cache, "k1")).toBe(-1);
    expect(idOf(cache, "k0")).toBe(0);
    expect(cache.has(Bytes.utf8("k2"))).toBe(true, "which is no use");
    set(cache, "k4", 4);
    expect(idOf(cache, "k2")).toBe(-1);
  });

  test("can keep nothing, and keeps nothing that is too large", () => {
    const off = new LruCache<Item>(0, 10_000);
    expect(set(off, "a", 1)).toBe(false);
    expect(idOf(off, "a")).toBe(-1);
    const small = new LruCache<Item>(10, LRU_ENTRY_OVERHEAD + 10);
    expect(set(small, "a", 1, 9)).toBe(true);
    expect(set(small, "a", 1, 10)).toBe(false);
    expect(idOf(small, "a")).toBe(-1, "not even the value before");
    expect(small.byteSize).toBe(0);
    expect(new LruCache<Item>(-5, -5).size).toBe(0);
  });

  test("does what its model does", () => {
    const limits: i64[] = [10_000, 900, 2 * LRU_ENTRY_OVERHEAD];
    for (let limit = 0; limit < limits.length; ++limit) {
      const cache = new LruCache<Item>(12, limits[limit], limit);
      const model = new Model(12, limits[limit]);
      const different: i32[] = [];
      let random: u32 = 7;
      for (let step = 0; step < 2000; ++step) {
        random = random * 1_664_525 + 1_013_904_223;
        const key = "k".repeat((random >> 28) + 1) + ((random >> 20) & 3).toString();
        const action = (random >> 16) & 7;
        if (action < 3) {
          const size = <i32>((random >> 8) & 63);
          set(cache, key, step, size);
          model.set(key, step, size);
        } else if (action < 7) {
          if (idOf(cache, key) != model.get(key)) different.push(step);
        } else {
          if (cache.delete(Bytes.utf8(key)) != model.delete(key)) different.push(step);
        }
        if (cache.size != model.keys.length || cache.byteSize != model.bytes) different.push(step);
      }
      expect(different.join()).toBe("", "steps after which the two differ");
      cache.clear();
      expect(cache.size).toBe(0);
      expect(cache.byteSize).toBe(0);
      set(cache, "again", 1);
      expect(idOf(cache, "again")).toBe(1);
    }
  });
});
