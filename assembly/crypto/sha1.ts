// SHA-1 (FIPS 180-4), for protocols that are defined with it, such as the handshake of WebSocket. Collisions can be made:
// not for signatures, nor for anything new.

import { Bytes } from "../bytes";
import { BlockHash } from "./block-hash";

/** A SHA-1 that takes its input in parts. */
@final
export class Sha1 extends BlockHash {
  constructor() {
    super(20, 64, 20, 4);
  }

  protected begin(state: usize): void {
    store<u32>(state, 0x67452301, 0);
    store<u32>(state, 0xefcdab89, 4);
    store<u32>(state, 0x98badcfe, 8);
    store<u32>(state, 0x10325476, 12);
    store<u32>(state, 0xc3d2e1f0, 16);
  }

  protected compress(state: usize, block: usize): void {
    compressBlock(state, block);
  }
}

// @ts-ignore: decorator
@lazy
const oneShot: Sha1 = new Sha1();

/** SHA-1 of some bytes, in memory of this callback. */
export function sha1(data: Bytes): Bytes {
  return oneShot.reset().update(data).digest();
}

/** The message schedule W of section 6.1.2. */
// @ts-ignore: decorator
@lazy
const schedule: usize = memory.data(320);

function compressBlock(state: usize, block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, bswap<u32>(load<u32>(block + i)));
  for (let i: usize = 64; i < 320; i += 4) {
    const at = schedule + i;
    store<u32>(at, rotl(load<u32>(at - 12) ^ load<u32>(at - 32) ^ load<u32>(at - 56) ^ load<u32>(at - 64), 1));
  }

  let a = load<u32>(state, 0);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  for (let i: usize = 0; i < 320; i += 4) {
    let f: u32;
    if (i < 80) f = (d ^ (b & (c ^ d))) + 0x5a827999;
    else if (i < 160) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 240) f = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const t = rotl(a, 5) + f + e + load<u32>(schedule + i);
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = t;
  }
  store<u32>(state, load<u32>(state, 0) + a, 0);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
}
