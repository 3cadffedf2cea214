// PBKDF2 (RFC 8018, section 5.2): a key from a password, made dear on purpose.

import { Bytes } from "../bytes";
import { HmacSha256 } from "./hmac";
import { SHA256_SIZE } from "./sha256";

/**
 * The first block of PBKDF2-HMAC-SHA-256, 32 bytes in memory of this callback. It costs two SHA-256 blocks an iteration, and
 * nothing else is served meanwhile: see to it that no client can have it worked out at will.
 * @param iterations 1 or more.
 */
export function pbkdf2Sha256(password: Bytes, salt: Bytes, iterations: i32): Bytes {
  const hmac = new HmacSha256(password);
  const first = Bytes.allocate(salt.size + 4);
  memory.copy(first.pointer, salt.pointer, salt.size);
  // The number of the block.
  store<u32>(first.pointer + salt.size, bswap<u32>(1));
  const step = hmac.sign(first);
  const out = Bytes.allocate(SHA256_SIZE);
  memory.copy(out.pointer, step.pointer, SHA256_SIZE);
  for (let i = 1; i < iterations; ++i) {
    hmac.signTo(step, step.pointer);
    for (let at: usize = 0; at < <usize>SHA256_SIZE; at += 8) {
      store<u64>(out.pointer + at, load<u64>(out.pointer + at) ^ load<u64>(step.pointer + at));
    }
  }
  return out;
}
