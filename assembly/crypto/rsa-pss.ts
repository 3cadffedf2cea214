// RSASSA-PSS (RFC 8017, section 8.1), for hosts that verify PKCS #1 v1.5 only, as Envoy does. Nothing here is secret: keys and
// signatures are public, so time may depend on them.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { BlockHash } from "./block-hash";
import { bitLength } from "./der";

/** A public RSA key, ready for use. */
@final
export class RsaPssKey {
  /** Limbs of 32 bits, the least significant first. */
  private modulus: StaticArray<u32>;
  /** R^2 modulo the modulus, where R is one limb beyond the modulus. */
  private square: StaticArray<u32>;
  private exponent: u64 = 0;
  /** -1 / modulus modulo 2^32. */
  private inverse: u32 = 0;
  private bits: i32;

  /**
   * @param modulus Big-endian and odd, of two bits at least.
   * @param exponent Big-endian; what is beyond 64 bits does not count.
   */
  constructor(modulus: Bytes, exponent: Bytes) {
    const bits = bitLength(modulus);
    const count = (bits + 31) >> 5;
    this.modulus = new StaticArray<u32>(count);
    this.square = new StaticArray<u32>(count);
    this.bits = bits;
    readLimbs(modulus, changetype<usize>(this.modulus), count);
    for (let i = 0; i < exponent.size; ++i) this.exponent = (this.exponent << 8) | load<u8>(exponent.pointer + i);
    const lowest = unchecked(this.modulus[0]);
    // Newton: each step doubles the number of good bits, of which an odd number has three as its own inverse.
    let inverse = lowest;
    for (let i = 0; i < 4; ++i) inverse *= 2 - lowest * inverse;
    this.inverse = 0 - inverse;
    this.findSquare();
  }

  /**
   * Whether a signature is one of a text. The salt must be as long as the digest, as JWS wants (RFC 7518, section 3.5), and the mask
   * made with the same hash.
   */
  verify(hash: BlockHash, text: Bytes, signature: Bytes): bool {
    const size = (this.bits + 7) >> 3;
    if (signature.size != size) return false;
    const count = this.modulus.length;
    const base = arenaAllocate((<usize>count) << 2);
    readLimbs(signature, base, count);
    if (compareLimbs(base, changetype<usize>(this.modulus), count) >= 0) return false;
    const power = this.power(base);
    // The message has one bit less than the modulus, so one byte less where that is the only bit of its byte.
    const encodedSize = (this.bits + 6) >> 3;
    const whole = Bytes.allocate(count << 2);
    for (let i = 0; i < count; ++i) {
      store<u32>(whole.pointer + ((count - 1 - i) << 2), bswap<u32>(load<u32>(power + ((<usize>i) << 2))));
    }
    const skipped = whole.size - encodedSize;
    for (let i = 0; i < skipped; ++i) if (load<u8>(whole.pointer + i)) return false;
    return isEncoding(hash, text, whole.slice(skipped), (this.bits - 1) & 7);
  }

  /** Doubles R until it is R^2; every step is less than the modulus. */
  private findSquare(): void {
    const count = this.modulus.length;
    const modulus = changetype<usize>(this.modulus);
    const x = changetype<usize>(this.square);
    const top = this.bits - 1;
    // The highest power of two below the modulus; R is 2 to the 32 times count.
    store<u32>(x + ((<usize>(top >> 5)) << 2), 1 << (top & 31));
    for (let i = top; i < count << 6; ++i) {
      let carry: u32 = 0;
      for (let at: usize = 0; at < (<usize>count) << 2; at += 4) {
        const limb = load<u32>(x + at);
        store<u32>(x + at, (limb << 1) | carry);
        carry = limb >> 31;
      }
      if (carry || compareLimbs(x, modulus, count) >= 0) subtractLimbs(x, modulus, count);
    }
  }

  /** `base` to the exponent, in memory of this callback. */
  private power(base: usize): usize {
    const bytes = (<usize>this.modulus.length) << 2;
    const scratch = arenaAllocate(bytes + 8);
    const start = arenaAllocate(bytes);
    const result = arenaAllocate(bytes);
    this.multiply(base, changetype<usize>(this.square), start, scratch);
    memory.copy(result, start, bytes);
    for (let bit = 62 - <i32>clz<u64>(this.exponent); bit >= 0; --bit) {
      this.multiply(result, result, result, scratch);
      if ((this.exponent >> bit) & 1) this.multiply(result, start, result, scratch);
    }
    const one = arenaAllocate(bytes);
    memory.fill(one, 0, bytes);
    store<u32>(one, 1);
    this.multiply(result, one, result, scratch);
    return result;
  }

  /** a * b / R modulo the modulus (Montgomery, coarsely integrated operand scanning). */
  private multiply(a: usize, b: usize, out: usize, scratch: usize): void {
    const count = this.modulus.length;
    const bytes = (<usize>count) << 2;
    const modulus = changetype<usize>(this.modulus);
    const inverse = this.inverse;
    memory.fill(scratch, 0, bytes + 8);
    for (let i: usize = 0; i < bytes; i += 4) {
      const factor = <u64>load<u32>(b + i);
      let carry: u64 = 0;
      for (let j: usize = 0; j < bytes; j += 4) {
        const sum = <u64>load<u32>(a + j) * factor + load<u32>(scratch + j) + carry;
        store<u32>(scratch + j, <u32>sum);
        carry = sum >> 32;
      }
      let sum = <u64>load<u32>(scratch + bytes) + carry;
      store<u32>(scratch + bytes, <u32>sum);
      store<u32>(scratch + bytes, <u32>(sum >> 32), 4);
      const lowest = load<u32>(scratch);
      // Modulo 2^32.
      const quotient: u32 = lowest * inverse;
      carry = (<u64>quotient * load<u32>(modulus) + lowest) >> 32;
      for (let j: usize = 4; j < bytes; j += 4) {
        sum = <u64>quotient * load<u32>(modulus + j) + load<u32>(scratch + j) + carry;
        store<u32>(scratch + j - 4, <u32>sum);
        carry = sum >> 32;
      }
      sum = <u64>load<u32>(scratch + bytes) + carry;
      store<u32>(scratch + bytes - 4, <u32>sum);
      store<u32>(scratch + bytes, load<u32>(scratch + bytes, 4) + <u32>(sum >> 32));
    }
    memory.copy(out, scratch, bytes);
    if (load<u32>(scratch + bytes) || compareLimbs(out, modulus, count) >= 0) subtractLimbs(out, modulus, count);
  }
}

/**
 * EMSA-PSS-VERIFY (RFC 8017, section 9.1.2).
 * @param topBits Bits of the first byte that the message uses; 0 for all eight.
 */
function isEncoding(hash: BlockHash, text: Bytes, encoded: Bytes, topBits: i32): bool {
  const digestSize = hash.digestSize;
  const maskedSize = encoded.size - digestSize - 1;
  if (maskedSize < digestSize + 1 || load<u8>(encoded.pointer + encoded.size - 1) != 0xbc) return false;
  const digest = encoded.slice(maskedSize, maskedSize + digestSize);
  const mask: u8 = topBits ? <u8>((<u32>0xff) >> (8 - topBits)) : 0xff;
  if (load<u8>(encoded.pointer) & ~mask) return false;
  const block = encoded.slice(0, maskedSize);
  unmask(hash, digest, block);
  store<u8>(block.pointer, load<u8>(block.pointer) & mask);
  const saltAt = maskedSize - digestSize;
  for (let i = 0; i < saltAt - 1; ++i) if (load<u8>(block.pointer + i)) return false;
  if (load<u8>(block.pointer + saltAt - 1) != 1) return false;
  const zeros = Bytes.allocate(8);
  memory.fill(zeros.pointer, 0, 8);
  const textDigest = hash.reset().update(text).digest();
  return hash.reset().update(zeros).update(textDigest).update(block.slice(saltAt)).digest().equals(digest);
}

/** Combines a block with the mask that MGF1 makes of a seed (RFC 8017, appendix B.2.1). */
function unmask(hash: BlockHash, seed: Bytes, block: Bytes): void {
  const counter = Bytes.allocate(4);
  for (let at = 0, i: u32 = 0; at < block.size; at += hash.digestSize, ++i) {
    store<u32>(counter.pointer, bswap<u32>(i));
    const mask = hash.reset().update(seed).update(counter).digest();
    const size = min(hash.digestSize, block.size - at);
    for (let j = 0; j < size; ++j) {
      const byte = block.pointer + at + j;
      store<u8>(byte, load<u8>(byte) ^ load<u8>(mask.pointer + j));
    }
  }
}

/** Reads a big-endian number into limbs; zeros in front of it may be more than there is room for. */
function readLimbs(number: Bytes, limbs: usize, count: i32): void {
  memory.fill(limbs, 0, (<usize>count) << 2);
  const size = min(number.size, count << 2);
  for (let i = 0; i < size; ++i) store<u8>(limbs + i, load<u8>(number.pointer + number.size - 1 - i));
}

function compareLimbs(a: usize, b: usize, count: i32): i32 {
  for (let i = count - 1; i >= 0; --i) {
    const x = load<u32>(a + ((<usize>i) << 2));
    const y = load<u32>(b + ((<usize>i) << 2));
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Takes `b` from `a`; a borrow at the end is lost. */
function subtractLimbs(a: usize, b: usize, count: i32): void {
  let borrow: u64 = 0;
  for (let at: usize = 0; at < (<usize>count) << 2; at += 4) {
    const difference = <u64>load<u32>(a + at) - load<u32>(b + at) - borrow;
    store<u32>(a + at, <u32>difference);
    borrow = difference >> 63;
  }
}
