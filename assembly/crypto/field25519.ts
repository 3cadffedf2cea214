// Numbers modulo p = 2^255 - 19, for Ed25519. A number is ten limbs of i64 in memory, of 26 and 25 bits in turn, the least
// significant first; products leave limbs of little more than that, and one sum or difference of such, or two, can be multiplied.
// Time may depend on the numbers: for public ones only.

/** Size of a number in bytes. */
export const FIELD_SIZE: usize = 80;

/** Sets a number to a small one. */
export function setSmall(out: usize, value: i64): void {
  memory.fill(out, 0, FIELD_SIZE);
  store<i64>(out, value);
}

export function copyField(out: usize, from: usize): void {
  memory.copy(out, from, FIELD_SIZE);
}

export function addFields(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < FIELD_SIZE; i += 8) store<i64>(out + i, load<i64>(a + i) + load<i64>(b + i));
}

export function subtractFields(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < FIELD_SIZE; i += 8) store<i64>(out + i, load<i64>(a + i) - load<i64>(b + i));
}

export function negateField(out: usize, a: usize): void {
  for (let i: usize = 0; i < FIELD_SIZE; i += 8) store<i64>(out + i, -load<i64>(a + i));
}

const product: usize = memory.data(160);

/** out = a * b. */
export function multiplyFields(out: usize, a: usize, b: usize): void {
  memory.fill(product, 0, 160);
  for (let i: usize = 0; i < FIELD_SIZE; i += 16) {
    // Two limbs at a time: one whose weight is exact, and one that counts half a bit more.
    const even = load<i64>(a + i);
    const odd = load<i64>(a + i, 8);
    const to = product + i;
    for (let j: usize = 0; j < FIELD_SIZE; j += 16) {
      const at = to + j;
      const x = load<i64>(b + j);
      const y = load<i64>(b + j, 8);
      store<i64>(at, load<i64>(at) + even * x);
      store<i64>(at, load<i64>(at, 8) + even * y + odd * x, 8);
      store<i64>(at, load<i64>(at, 16) + ((odd * y) << 1), 16);
    }
  }
  // 2^255 is 19.
  for (let i: usize = 0; i < FIELD_SIZE; i += 8) {
    store<i64>(product + i, load<i64>(product + i) + 19 * load<i64>(product + i, 80));
  }
  carry(product);
  memory.copy(out, product, FIELD_SIZE);
}

/** Leaves limbs of 26 and 25 bits with a sign, the first ones a little more. */
function carry(number: usize): void {
  let c: i64 = 0;
  for (let round = 0; round < 2; ++round) {
    for (let i: usize = 0; i < FIELD_SIZE; i += 16) {
      let limb = load<i64>(number + i) + c;
      c = (limb + (1 << 25)) >> 26;
      store<i64>(number + i, limb - (c << 26));
      limb = load<i64>(number + i, 8) + c;
      c = (limb + (1 << 24)) >> 25;
      store<i64>(number + i, limb - (c << 25), 8);
    }
    c *= 19;
  }
  store<i64>(number, load<i64>(number) + c);
}

/** out = a to the power of 2^count. */
function squareTimes(out: usize, a: usize, count: i32): void {
  multiplyFields(out, a, a);
  for (let i = 1; i < count; ++i) multiplyFields(out, out, out);
}

const ones: usize = memory.data(80);
const step: usize = memory.data(80);
const five: usize = memory.data(80);
const ten: usize = memory.data(80);
const fifty: usize = memory.data(80);

/** Leaves a to the power of 2^250 - 1 in `ones`: runs of ones are joined to longer ones. */
function powerOfOnes(a: usize): void {
  squareTimes(ones, a, 1);
  multiplyFields(ones, ones, a); // 2
  squareTimes(step, ones, 2);
  multiplyFields(ones, step, ones); // 4
  squareTimes(step, ones, 1);
  multiplyFields(five, step, a);
  squareTimes(step, five, 5);
  multiplyFields(ten, step, five);
  squareTimes(step, ten, 10);
  multiplyFields(ones, step, ten); // 20
  squareTimes(step, ones, 20);
  multiplyFields(ones, step, ones); // 40
  squareTimes(step, ones, 10);
  multiplyFields(fifty, step, ten);
  squareTimes(step, fifty, 50);
  multiplyFields(ones, step, fifty); // 100
  squareTimes(step, ones, 100);
  multiplyFields(ones, step, ones); // 200
  squareTimes(step, ones, 50);
  multiplyFields(ones, step, fifty); // 250
}

const power: usize = memory.data(80);

/** out = 1 / a, which is a to the power of p - 2; 0 for 0. */
export function invertField(out: usize, a: usize): void {
  powerOfOnes(a);
  squareTimes(ones, ones, 5);
  squareTimes(step, a, 1);
  multiplyFields(power, step, a); // 3
  squareTimes(step, step, 2); // 8
  multiplyFields(power, power, step);
  multiplyFields(out, ones, power);
}

/** out = a to the power of (p - 5) / 8, from which square roots are made (RFC 8032, section 5.1.3). */
export function rootPower(out: usize, a: usize): void {
  powerOfOnes(a);
  squareTimes(ones, ones, 2);
  multiplyFields(out, ones, a);
}

/** Reads 32 bytes, the least significant first; the highest bit does not count. */
export function readField(out: usize, bytes: usize): void {
  let bit = 0;
  for (let i: usize = 0; i < 10; ++i) {
    const size = 26 - <i32>(i & 1);
    // Eight bytes that are within the 32.
    const from = min(bit >> 3, 24);
    const limb = (load<u64>(bytes + from) >> (bit - (from << 3))) & ((<u64>1 << size) - 1);
    store<i64>(out + (i << 3), limb);
    bit += size;
  }
}

const whole: usize = memory.data(80);

/** Writes the number from 0 to p - 1 in 32 bytes. */
export function writeField(bytes: usize, a: usize): void {
  copyField(whole, a);
  carry(whole);
  // What is left is within p of 0: p is added, and taken as often as it fits.
  store<i64>(whole, load<i64>(whole) - 19);
  store<i64>(whole, load<i64>(whole, 72) + (1 << 25), 72);
  let excess = settle();
  while (excess != 0) {
    store<i64>(whole, load<i64>(whole) + 19 * excess);
    excess = settle();
  }
  // Now from 0 to 2^255 - 1, which p may fit once more.
  store<i64>(whole, load<i64>(whole) + 19);
  if (settle() == 0) {
    store<i64>(whole, load<i64>(whole) - 19);
    settle();
  }
  memory.fill(bytes, 0, 32);
  let bit = 0;
  for (let i: usize = 0; i < 10; ++i) {
    const limb = <u64>load<i64>(whole + (i << 3)) << (bit & 7);
    for (let j: usize = 0; j < 5; ++j) {
      const at = (<usize>bit >> 3) + j;
      if (at < 32) store<u8>(bytes + at, load<u8>(bytes + at) | <u8>(limb >> (j << 3)));
    }
    bit += 26 - <i32>(i & 1);
  }
}

/** Makes every limb of `whole` one without sign, and gives what is beyond 2^255. */
function settle(): i64 {
  let c: i64 = 0;
  for (let i: usize = 0; i < 10; ++i) {
    const size = 26 - <i64>(i & 1);
    const limb = load<i64>(whole + (i << 3)) + c;
    c = limb >> size;
    store<i64>(whole + (i << 3), limb - (c << size));
  }
  return c;
}
