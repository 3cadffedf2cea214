// SHA-256 and SHA-224 (FIPS 180-4).

import { Bytes } from "../bytes";
import { BlockHash } from "./block-hash";
import { compressBlock } from "./sha2";

/** Size of a digest of SHA-256 in bytes. */
export const SHA256_SIZE: i32 = 32;

/** A SHA-256 that takes its input in parts. */
export class Sha256 extends BlockHash {
  constructor(digestSize: i32 = SHA256_SIZE) {
    super(digestSize, 64, 32, 4);
  }

  protected begin(state: usize): void {
    store<u32>(state, 0x6a09e667, 0);
    store<u32>(state, 0xbb67ae85, 4);
    store<u32>(state, 0x3c6ef372, 8);
    store<u32>(state, 0xa54ff53a, 12);
    store<u32>(state, 0x510e527f, 16);
    store<u32>(state, 0x9b05688c, 20);
    store<u32>(state, 0x1f83d9ab, 24);
    store<u32>(state, 0x5be0cd19, 28);
  }

  protected compress(state: usize, block: usize): void {
    compressBlock<u32>(state, block, CONSTANTS, schedule);
  }
}

/** A SHA-224 that takes its input in parts. */
@final
export class Sha224 extends Sha256 {
  constructor() {
    super(28);
  }

  protected begin(state: usize): void {
    store<u32>(state, 0xc1059ed8, 0);
    store<u32>(state, 0x367cd507, 4);
    store<u32>(state, 0x3070dd17, 8);
    store<u32>(state, 0xf70e5939, 12);
    store<u32>(state, 0xffc00b31, 16);
    store<u32>(state, 0x68581511, 20);
    store<u32>(state, 0x64f98fa7, 24);
    store<u32>(state, 0xbefa4fa4, 28);
  }
}

// @ts-ignore: decorator
@lazy
const oneShot: Sha256 = new Sha256();

/** SHA-256 of some bytes, in memory of this callback. */
export function sha256(data: Bytes): Bytes {
  return oneShot.reset().update(data).digest();
}

// @ts-ignore: decorator
@lazy
const CONSTANTS: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

/** The message schedule W of section 6.2.2. */
// @ts-ignore: decorator
@lazy
const schedule: usize = memory.data(256);
