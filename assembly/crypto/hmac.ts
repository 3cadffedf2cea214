// HMAC (RFC 2104) over the hashes that there are.

import { Bytes } from "../bytes";
import { BlockHash } from "./block-hash";
import { constantTimeEquals } from "./equal";
import { Sha1 } from "./sha1";
import { Sha256 } from "./sha256";
import { Sha384, Sha512 } from "./sha512";

/** A key of HMAC over the hash `H`. Made once; what depends on the key alone is then hashed already. */
export class Hmac<H extends BlockHash> {
  private inner: H;
  private outer: H;
  private work: H;

  /** @param key Of any length; as many bytes as a digest has, or more, for full strength. */
  constructor(key: Bytes) {
    const work = instantiate<H>();
    const short = key.size > work.blockSize ? work.update(key).digest() : key;
    this.inner = padded<H>(short, 0x36);
    this.outer = padded<H>(short, 0x5c);
    this.work = work;
  }

  /** The code of a text, in memory of this callback. */
  sign(text: Bytes): Bytes {
    const digest = this.work.resumeFrom(this.inner).update(text).digest();
    return this.work.resumeFrom(this.outer).update(digest).digest();
  }

  /** As `sign`, to an address that has room for the code. Allocates nothing; `text` may stand at the address. */
  signTo(text: Bytes, out: usize): void {
    this.work.resumeFrom(this.inner).update(text).digestTo(out);
    this.work.resumeFrom(this.outer).update(Bytes.at(out, this.work.digestSize)).digestTo(out);
  }

  /** Whether `code` is the whole code of the text; compares in constant time. */
  verify(text: Bytes, code: Bytes): bool {
    return constantTimeEquals(this.sign(text), code);
  }
}

/** A key of HMAC-SHA-1, for protocols that are defined with it; what is known against SHA-1 does not reach its HMAC. */
@final
export class HmacSha1 extends Hmac<Sha1> {}

/** A key of HMAC-SHA-256. */
@final
export class HmacSha256 extends Hmac<Sha256> {}

/** A key of HMAC-SHA-384. */
@final
export class HmacSha384 extends Hmac<Sha384> {}

/** A key of HMAC-SHA-512. */
@final
export class HmacSha512 extends Hmac<Sha512> {}

function padded<H extends BlockHash>(key: Bytes, pad: u8): H {
  const hash = instantiate<H>();
  const block = Bytes.allocate(hash.blockSize);
  memory.fill(block.pointer, pad, block.size);
  for (let i = 0; i < key.size; ++i) store<u8>(block.pointer + i, load<u8>(key.pointer + i) ^ pad);
  hash.update(block);
  return hash;
}
