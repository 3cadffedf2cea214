// HMAC-SHA-256 (RFC 2104).

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { constantTimeEquals } from "./equal";
import { SHA256_BLOCK_SIZE, Sha256, sha256 } from "./sha256";

// @ts-ignore: decorator
@lazy
const work: Sha256 = new Sha256();

/** A key of HMAC-SHA-256. Made once; what depends on the key alone is then hashed already. */
@final
export class HmacSha256 {
  private inner: Sha256;
  private outer: Sha256;

  /** @param key Of any length; 32 bytes or more for full strength. */
  constructor(key: Bytes) {
    const short = key.size > SHA256_BLOCK_SIZE ? sha256(key) : key;
    this.inner = padded(short, 0x36);
    this.outer = padded(short, 0x5c);
  }

  /** The code of a text: 32 bytes in memory of this callback. */
  sign(text: Bytes): Bytes {
    const digest = work.resumeFrom(this.inner).update(text).digest();
    return work.resumeFrom(this.outer).update(digest).digest();
  }

  /** Whether `code` is the whole code of the text; compares in constant time. */
  verify(text: Bytes, code: Bytes): bool {
    return constantTimeEquals(this.sign(text), code);
  }
}

function padded(key: Bytes, pad: u8): Sha256 {
  const block = arenaAllocate(SHA256_BLOCK_SIZE);
  memory.fill(block, pad, SHA256_BLOCK_SIZE);
  for (let i = 0; i < key.size; ++i) store<u8>(block + i, load<u8>(key.pointer + i) ^ pad);
  return new Sha256().update(Bytes.at(block, SHA256_BLOCK_SIZE));
}
