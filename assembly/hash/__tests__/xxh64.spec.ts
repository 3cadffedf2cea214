import { Bytes } from "../../bytes";
import { Hasher64, hash64 } from "../xxh64";

// The sanity vectors of xxHash (tests/sanity_test_vectors.h) and the buffer that they are computed over
// (tests/sanity_test.c): a length, and the hash for the seeds 0 and PRIME32.
const PRIME32: u64 = 0x9e3779b1;
const PRIME64: u64 = 0x9e3779b185ebca8d;

const lengths: i32[] = [0, 1, 4, 8, 14, 32, 222, 2367];
const unseeded: u64[] = [
  0xef46db3751d8e999, 0xe934a84adb052768, 0x9136a0dca57457ee, 0xcdbcf538e71d1348, 0x8282dcc4994e35c8,
  0x18b216492bb44b70, 0xb641ae8cb691c174, 0xa82418ddec0ea581,
];
const seeded: u64[] = [
  0xac75fda2929b17ef, 0x5014607643a9b4c3, 0xcaab286bd8e9fdb5, 0xfe0c047a5353cdac, 0xc3bd6bf63deb6df0,
  0xb3f33bdf93ade409, 0x20cb8ab7ae10c14a, 0xa36a93c18052673a,
];
// Lengths whose hash is published for seed 0 only, as far as they are used here.
const moreLengths: i32[] = [2, 3, 9, 16, 17, 31, 33, 64, 128, 129, 240, 241, 403, 512, 2048];
const moreUnseeded: u64[] = [
  0x5d48cd60a77e23ff, 0xff7e1959cb50794a, 0x554b1ae991eda6b6, 0x98c90b57fdfcb55c, 0x0d39a2d051a30c2c,
  0x299b39a290e6d783, 0x55c8dc3e578f5b59, 0xef558f8acac2b5cd, 0x90ca021457d96dc5, 0x41c280132d697aba,
  0xb81838d483baee53, 0x95d76c8b4d8fc4d6, 0xd99858fee82283df, 0x4358d2fdd62b58a7, 0x5940f2752bc04387,
];

/** A view keeps nothing alive: the buffers are kept here. */
const buffers: Uint8Array[] = [];

function sanity(length: i32): Bytes {
  const buffer = new Uint8Array(length);
  buffers.push(buffer);
  let generator: u64 = PRIME32;
  for (let i = 0; i < length; ++i) {
    buffer[i] = <u8>(generator >> 56);
    generator *= PRIME64;
  }
  return Bytes.of(buffer);
}

describe("hash64", () => {
  test("gives the published hashes", () => {
    for (let i = 0; i < lengths.length; ++i) {
      const bytes = sanity(lengths[i]);
      expect(hash64(bytes)).toBe(unseeded[i], `${lengths[i]} bytes, seed 0`);
      expect(hash64(bytes, PRIME32)).toBe(seeded[i], `${lengths[i]} bytes, seed PRIME32`);
    }
  });

  test("gives the published hashes at the borders of lanes and stripes", () => {
    for (let i = 0; i < moreLengths.length; ++i) {
      expect(hash64(sanity(moreLengths[i]))).toBe(moreUnseeded[i], `${moreLengths[i]} bytes`);
    }
  });

  test("hashes a text as its UTF-8", () => {
    // xxhsum's answer for "xxhash".
    expect(hash64(Bytes.utf8("xxhash"))).toBe(0x32dd38952c4bc720);
  });
});

describe("Hasher64", () => {
  test("does not care how the bytes are cut into parts", () => {
    const whole = sanity(222);
    const hasher = new Hasher64();
    for (let size = 1; size <= 100; ++size) {
      hasher.reset(PRIME32);
      for (let at = 0; at < 222; at += size) hasher.update(whole.slice(at, at + size));
      expect(hasher.digest()).toBe(0x20cb8ab7ae10c14a, `parts of ${size}`);
    }
  });

  test("can go on after a digest", () => {
    const whole = sanity(64);
    const hasher = new Hasher64();
    hasher.update(whole.slice(0, 33));
    expect(hasher.digest()).toBe(0x55c8dc3e578f5b59);
    expect(hasher.update(whole.slice(33)).digest()).toBe(0xef558f8acac2b5cd);
  });

  test("takes parts of no bytes", () => {
    const none = Bytes.at(0, 0);
    expect(new Hasher64().update(none).update(none).digest()).toBe(0xef46db3751d8e999);
  });

  test("takes a number as four bytes, the least significant first", () => {
    const hash = new Hasher64(7).updateU32(0x64636261).digest();
    expect(hash).toBe(hash64(Bytes.utf8("abcd"), 7));
  });

  test("keeps two hashers apart", () => {
    const a = new Hasher64();
    const b = new Hasher64();
    a.update(Bytes.utf8("left"));
    b.update(Bytes.utf8("right"));
    expect(a.digest()).toBe(hash64(Bytes.utf8("left")));
    expect(b.digest()).toBe(hash64(Bytes.utf8("right")));
  });
});
