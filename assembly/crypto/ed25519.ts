// Ed25519 verification (RFC 8032, section 5.1.7). Keys and signatures are public, so time may depend on them.

import { Bytes } from "../bytes";
import {
  FIELD_SIZE,
  addFields,
  invertField,
  multiplyFields,
  negateField,
  readField,
  rootPower,
  setSmall,
  subtractFields,
  writeField,
} from "./field25519";
import { isScalar, reduceScalar } from "./scalar25519";
import { Sha512 } from "./sha512";

/** Size of a public key in bytes. */
export const ED25519_KEY_SIZE: i32 = 32;
// @ts-ignore: decorator
@inline const SIGNATURE_SIZE: i32 = 64;

/** A point in extended coordinates: X, Y, Z and T, where x = X/Z, y = Y/Z and xy = T/Z. */
// @ts-ignore: decorator
@inline const POINT_SIZE: usize = FIELD_SIZE * 4;
// @ts-ignore: decorator
@inline const Y: usize = FIELD_SIZE;
// @ts-ignore: decorator
@inline const Z: usize = FIELD_SIZE * 2;
// @ts-ignore: decorator
@inline const T: usize = FIELD_SIZE * 3;

// Constants of the curve, made from their definitions: d, 2d, a root of -1, and the multiples 0 to 15 of the base point.
const D: usize = memory.data(80);
const TWICE_D: usize = memory.data(80);
const ROOT_OF_MINUS_ONE: usize = memory.data(80);
const BASE_MULTIPLES: usize = memory.data(5120);
const multiples: usize = memory.data(5120);
let isReady: bool = false;

const sum: usize = memory.data(320);
const a: usize = memory.data(80);
const b: usize = memory.data(80);
const c: usize = memory.data(80);
const d: usize = memory.data(80);
const e: usize = memory.data(80);
const f: usize = memory.data(80);
const g: usize = memory.data(80);
const h: usize = memory.data(80);
const encoded: usize = memory.data(32);
const challenge: usize = memory.data(32);

/** The whole of a signature's first half is hashed; made once. */
// @ts-ignore: decorator
@lazy
const hash: Sha512 = new Sha512();

/** Whether 32 bytes are a public key: the canonical encoding of a point of the curve. */
export function isEd25519Key(key: Bytes): bool {
  if (key.size != ED25519_KEY_SIZE) return false;
  prepare();
  return decodePoint(sum, key.pointer);
}

/**
 * Whether a signature is one of a text by a key. Without cofactor, as most do it: S B = R + k A to the point; `s` must be less than the
 * group's order and points canonical, so that no signature has a second form.
 */
export function verifyEd25519(key: Bytes, signature: Bytes, text: Bytes): bool {
  if (key.size != ED25519_KEY_SIZE || signature.size != SIGNATURE_SIZE) return false;
  const s = signature.pointer + 32;
  if (!isScalar(s)) return false;
  prepare();
  const negative = multiples + POINT_SIZE;
  if (!decodePoint(negative, key.pointer)) return false;
  negateField(negative, negative);
  negateField(negative + T, negative + T);
  fillMultiples(multiples);
  const digest = hash.reset().update(signature.slice(0, 32)).update(key).update(text).digest();
  reduceScalar(challenge, digest.pointer);

  // S B - k A by four bits of both numbers at a time, from the highest.
  setNeutral(sum);
  for (let i = 63; i >= 0; --i) {
    if (i < 63) for (let j = 0; j < 4; ++j) double(sum);
    addMultiple(BASE_MULTIPLES, s, i);
    addMultiple(multiples, challenge, i);
  }
  encodePoint(encoded, sum);
  return memory.compare(encoded, signature.pointer, 32) == 0;
}

function addMultiple(table: usize, scalar: usize, position: i32): void {
  const digit = (load<u8>(scalar + (position >> 1)) >> <u8>((position & 1) << 2)) & 15;
  if (digit) add(sum, sum, table + <usize>digit * POINT_SIZE);
}

function prepare(): void {
  if (isReady) return;
  isReady = true;
  // d = -121665 / 121666
  setSmall(a, 121666);
  invertField(b, a);
  setSmall(a, -121665);
  multiplyFields(D, a, b);
  addFields(TWICE_D, D, D);
  // 2 to the power of (p - 1) / 4
  setSmall(a, 2);
  rootPower(b, a);
  multiplyFields(b, b, b);
  multiplyFields(ROOT_OF_MINUS_ONE, a, b);
  // The base point has y = 4 / 5 and an even x.
  memory.fill(encoded, 0x66, 32);
  store<u8>(encoded, 0x58);
  decodePoint(BASE_MULTIPLES + POINT_SIZE, encoded);
  fillMultiples(BASE_MULTIPLES);
}

function setNeutral(point: usize): void {
  setSmall(point, 0);
  setSmall(point + Y, 1);
  setSmall(point + Z, 1);
  setSmall(point + T, 0);
}

/** Fills a table whose entry 1 is given. */
function fillMultiples(table: usize): void {
  setNeutral(table);
  for (let i: usize = 2; i < 16; ++i) add(table + i * POINT_SIZE, table + (i - 1) * POINT_SIZE, table + POINT_SIZE);
}

/** RFC 8032, section 5.1.4. */
function add(out: usize, p: usize, q: usize): void {
  subtractFields(a, p + Y, p);
  subtractFields(b, q + Y, q);
  multiplyFields(a, a, b);
  addFields(b, p + Y, p);
  addFields(c, q + Y, q);
  multiplyFields(b, b, c);
  multiplyFields(c, p + T, TWICE_D);
  multiplyFields(c, c, q + T);
  multiplyFields(d, p + Z, q + Z);
  addFields(d, d, d);
  subtractFields(e, b, a);
  subtractFields(f, d, c);
  addFields(g, d, c);
  addFields(h, b, a);
  finish(out);
}

/** RFC 8032, section 5.1.4, with a sign turned in all of E, F, G and H. */
function double(p: usize): void {
  multiplyFields(a, p, p);
  multiplyFields(b, p + Y, p + Y);
  multiplyFields(c, p + Z, p + Z);
  addFields(c, c, c);
  addFields(h, a, b);
  addFields(e, p, p + Y);
  multiplyFields(e, e, e);
  subtractFields(e, h, e);
  subtractFields(g, a, b);
  addFields(f, c, g);
  finish(p);
}

function finish(out: usize): void {
  multiplyFields(out, e, f);
  multiplyFields(out + Y, g, h);
  multiplyFields(out + T, e, h);
  multiplyFields(out + Z, f, g);
}

function encodePoint(bytes: usize, point: usize): void {
  invertField(a, point + Z);
  multiplyFields(b, point, a);
  multiplyFields(c, point + Y, a);
  writeField(bytes, b);
  const sign = load<u8>(bytes) & 1;
  writeField(bytes, c);
  store<u8>(bytes + 31, load<u8>(bytes + 31) | (sign << 7));
}

const canonical: usize = memory.data(32);

/** RFC 8032, section 5.1.3. False for what is no point, or not its canonical encoding. */
function decodePoint(out: usize, bytes: usize): bool {
  const y = out + Y;
  readField(y, bytes);
  const sign = load<u8>(bytes + 31) >> 7;
  writeField(canonical, y);
  store<u8>(canonical + 31, load<u8>(canonical + 31) | (sign << 7));
  if (memory.compare(canonical, bytes, 32) != 0) return false;

  // x^2 = u / v, with u = y^2 - 1 and v = d y^2 + 1; the candidate is u v^3 (u v^7)^((p - 5) / 8).
  const u = a;
  const v = b;
  setSmall(out + Z, 1);
  multiplyFields(u, y, y);
  multiplyFields(v, u, D);
  subtractFields(u, u, out + Z);
  addFields(v, v, out + Z);
  multiplyFields(c, v, v);
  multiplyFields(c, c, v);
  multiplyFields(d, c, c);
  multiplyFields(d, d, v);
  multiplyFields(d, d, u);
  rootPower(d, d);
  multiplyFields(c, c, u);
  multiplyFields(out, c, d);

  multiplyFields(e, out, out);
  multiplyFields(e, e, v);
  if (!isSame(e, u)) {
    negateField(u, u);
    if (!isSame(e, u)) return false;
    multiplyFields(out, out, ROOT_OF_MINUS_ONE);
  }
  writeField(canonical, out);
  if ((load<u8>(canonical) & 1) != sign) {
    // Zero has no other sign.
    setSmall(f, 0);
    if (isSame(out, f)) return false;
    negateField(out, out);
  }
  multiplyFields(out + T, out, y);
  return true;
}

const left: usize = memory.data(32);
const right: usize = memory.data(32);

function isSame(x: usize, y: usize): bool {
  writeField(left, x);
  writeField(right, y);
  return memory.compare(left, right, 32) == 0;
}
