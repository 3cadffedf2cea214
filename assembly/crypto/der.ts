// DER (X.690) of public keys and signatures, from the forms that JOSE has them in.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/** AlgorithmIdentifier of rsaEncryption with NULL parameters (RFC 3279, section 2.3.1). */
// @ts-ignore: decorator
@lazy
const RSA_ALGORITHM: usize = memory.data<u8>([
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
]);
// @ts-ignore: decorator
@inline const RSA_ALGORITHM_SIZE: i32 = 15;

// SubjectPublicKeyInfo of EC keys (RFC 5480) up to the coordinates: an uncompressed point.
// @ts-ignore: decorator
@lazy
const P256_PREFIX: usize = memory.data<u8>([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
  0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]);
// @ts-ignore: decorator
@lazy
const P384_PREFIX: usize = memory.data<u8>([
  0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
  0x22, 0x03, 0x62, 0x00, 0x04,
]);
// @ts-ignore: decorator
@lazy
const P521_PREFIX: usize = memory.data<u8>([
  0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
  0x00, 0x23, 0x03, 0x81, 0x86, 0x00, 0x04,
]);

/** Size of a coordinate of P-256 in bytes. */
export const P256_SIZE: i32 = 32;
/** Size of a coordinate of P-384 in bytes. */
export const P384_SIZE: i32 = 48;
/** Size of a coordinate of P-521 in bytes. */
export const P521_SIZE: i32 = 66;

/**
 * SubjectPublicKeyInfo of an RSA key, in memory of this callback.
 * @param modulus Big-endian, `n` of a JWK (RFC 7518, section 6.3.1).
 * @param exponent Big-endian, `e` of a JWK.
 */
export function rsaPublicKey(modulus: Bytes, exponent: Bytes): Bytes {
  const keyContent = integerSize(modulus) + integerSize(exponent);
  const bitString = 1 + elementSize(keyContent);
  const content = RSA_ALGORITHM_SIZE + elementSize(bitString);
  const pointer = arenaAllocate(elementSize(content));
  let at = writeHeader(pointer, SEQUENCE, content);
  memory.copy(at, RSA_ALGORITHM, RSA_ALGORITHM_SIZE);
  at = writeHeader(at + RSA_ALGORITHM_SIZE, BIT_STRING, bitString);
  // No unused bits.
  store<u8>(at++, 0);
  at = writeHeader(at, SEQUENCE, keyContent);
  at = writeInteger(at, modulus);
  at = writeInteger(at, exponent);
  return Bytes.at(pointer, <i32>(at - pointer));
}

/** As `ecPublicKey`, for P-256. */
export function p256PublicKey(x: Bytes, y: Bytes): Bytes | null {
  return x.size == P256_SIZE ? ecPublicKey(x, y) : null;
}

/**
 * SubjectPublicKeyInfo of a key on P-256, P-384 or P-521, in memory of this callback; the size of the coordinates says which. Null
 * unless both have 32, 48 or 66 bytes, as `x` and `y` of a JWK must (RFC 7518, section 6.2.1). Whether the point is on the curve is for
 * the host to find.
 */
export function ecPublicKey(x: Bytes, y: Bytes): Bytes | null {
  if (x.size != y.size) return null;
  if (x.size == P256_SIZE) return pointKey(P256_PREFIX, 27, x, y);
  if (x.size == P384_SIZE) return pointKey(P384_PREFIX, 24, x, y);
  return x.size == P521_SIZE ? pointKey(P521_PREFIX, 26, x, y) : null;
}

function pointKey(prefix: usize, prefixSize: i32, x: Bytes, y: Bytes): Bytes {
  const key = Bytes.allocate(prefixSize + x.size + y.size);
  memory.copy(key.pointer, prefix, prefixSize);
  memory.copy(key.pointer + prefixSize, x.pointer, x.size);
  memory.copy(key.pointer + prefixSize + x.size, y.pointer, y.size);
  return key;
}

/**
 * An ECDSA signature as ECDSA-Sig-Value (RFC 3279, section 2.2.3), in memory of this callback, from `r` and `s` one behind
 * the other, as JWS has it (RFC 7518, section 3.4). Null when the length is wrong or either number is zero.
 * @param coordinateSize Size of each number in bytes: 32 for P-256, 48 for P-384, 66 for P-521.
 */
export function ecdsaSignature(signature: Bytes, coordinateSize: i32 = P256_SIZE): Bytes | null {
  if (signature.size != 2 * coordinateSize) return null;
  const r = signature.slice(0, coordinateSize);
  const s = signature.slice(coordinateSize);
  if (bitLength(r) == 0 || bitLength(s) == 0) return null;
  const content = integerSize(r) + integerSize(s);
  const pointer = arenaAllocate(elementSize(content));
  let at = writeHeader(pointer, SEQUENCE, content);
  at = writeInteger(at, r);
  at = writeInteger(at, s);
  return Bytes.at(pointer, <i32>(at - pointer));
}

/** Number of bits of a big-endian number, without leading zeros. */
export function bitLength(number: Bytes): i32 {
  const zeros = leadingZeros(number);
  if (zeros == number.size) return 0;
  return (number.size - zeros) * 8 - (clz<u32>(load<u8>(number.pointer + zeros)) - 24);
}

function leadingZeros(number: Bytes): i32 {
  let zeros = 0;
  while (zeros < number.size && load<u8>(number.pointer + zeros) == 0) ++zeros;
  return zeros;
}

/** Size of the content of an INTEGER: minimal, and with a zero in front where the first bit would read as a sign. */
function integerContentSize(number: Bytes): i32 {
  return (bitLength(number) >> 3) + 1;
}

function integerSize(number: Bytes): i32 {
  return elementSize(integerContentSize(number));
}

function writeInteger(at: usize, number: Bytes): usize {
  const size = integerContentSize(number);
  at = writeHeader(at, INTEGER, size);
  const zeros = leadingZeros(number);
  const digits = number.size - zeros;
  if (size > digits) store<u8>(at++, 0);
  memory.copy(at, number.pointer + zeros, digits);
  return at + digits;
}

/** Size of an element whose content has so many bytes. */
function elementSize(content: i32): i32 {
  return 2 + lengthBytes(content) + content;
}

/** Bytes of a length behind the first one. */
function lengthBytes(length: i32): i32 {
  if (length < 0x80) return 0;
  return (32 - clz<u32>(length) + 7) >> 3;
}

function writeHeader(at: usize, tag: u8, length: i32): usize {
  store<u8>(at++, tag);
  const more = lengthBytes(length);
  store<u8>(at++, more ? <u8>(0x80 | more) : <u8>length);
  for (let i = more - 1; i >= 0; --i) store<u8>(at++, <u8>(length >> (i << 3)));
  return at;
}
