import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { PLACES } from "../allocation";
import { FNV_OFFSET, Xxh64, fnv1a, murmur3 } from "../bucketing";

describe("Xxh64", () => {
  test("is the upper half of XXH64, scaled", () => {
    const bucketing = new Xxh64("2026", "checkout");
    const seed = hash64(Bytes.utf8("2026\0checkout"));
    for (let i = 0; i < 100; ++i) {
      const key = Bytes.utf8(`user ${i}`);
      const place = bucketing.placeOf(key);
      expect(place < PLACES).toBe(true);
      expect(place).toBe(<u32>(((hash64(key, seed) >> 32) * 10_000) >> 32));
    }
  });

  test("gives the places that README.md lists", () => {
    // Worked out with another implementation of XXH64.
    const bucketing = new Xxh64("2026", "checkout");
    const keys = ["alice", "bob", "ключ"];
    const places: u32[] = [6290, 4418, 886];
    for (let i = 0; i < keys.length; ++i) expect(bucketing.placeOf(Bytes.utf8(keys[i]))).toBe(places[i], keys[i]);
  });

  test("separates salts and experiments", () => {
    const all = [new Xxh64("", "ab"), new Xxh64("a", "b"), new Xxh64("ab", ""), new Xxh64("b", "a")];
    const places: u32[] = [];
    for (let i = 0; i < all.length; ++i) {
      const place = all[i].placeOf(Bytes.utf8("key"));
      expect(places.includes(place)).toBe(false);
      places.push(place);
    }
  });
});

describe("hashes of other libraries", () => {
  test("fnv1a gives the published values", () => {
    const texts = ["", "a", "b", "foobar"];
    const values: u32[] = [0x811c9dc5, 0xe40c292c, 0xe70c2de5, 0xbf9cf968];
    for (let i = 0; i < texts.length; ++i) expect(fnv1a(FNV_OFFSET, Bytes.utf8(texts[i]))).toBe(values[i], texts[i]);
  });

  test("murmur3 gives the published values", () => {
    const texts = ["", "", "", "test", "Hello, world!", "The quick brown fox jumps over the lazy dog"];
    const seeds: u32[] = [0, 1, 0xffffffff, 0, 0, 0];
    const values: u32[] = [0, 0x514e28b7, 0x81f16f39, 0xba6bd213, 0xc0363e43, 0x2e4ff723];
    for (let i = 0; i < texts.length; ++i) expect(murmur3(Bytes.utf8(texts[i]), seeds[i])).toBe(values[i], texts[i]);
  });
});
