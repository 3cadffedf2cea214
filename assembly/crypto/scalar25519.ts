// Numbers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of Ed25519's group. For public numbers only.

/** L in four words, the least significant first. */
const ORDER: usize = memory.data<u64>([0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000]);

/** Whether 32 bytes, the least significant first, are a number less than L. */
export function isScalar(bytes: usize): bool {
  return isLess(bytes);
}

/** Writes a number of 64 bytes modulo L in 32, bit by bit from the highest: what is left never gets to 2 L. */
export function reduceScalar(out: usize, bytes: usize): void {
  memory.fill(out, 0, 32);
  for (let bit = 511; bit >= 0; --bit) {
    let carry = (load<u8>(bytes + (bit >> 3)) >> <u8>(bit & 7)) & 1;
    for (let i: usize = 0; i < 32; i += 8) {
      const word = load<u64>(out + i);
      store<u64>(out + i, (word << 1) | carry);
      carry = <u8>(word >> 63);
    }
    if (!isLess(out)) subtractOrder(out);
  }
}

function isLess(number: usize): bool {
  for (let i = 24; i >= 0; i -= 8) {
    const word = load<u64>(number + i);
    const order = load<u64>(ORDER + i);
    if (word != order) return word < order;
  }
  return false;
}

function subtractOrder(number: usize): void {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const word = load<u64>(number + i);
    const order = load<u64>(ORDER + i);
    store<u64>(number + i, word - order - borrow);
    borrow = <u64>(word < order || (word == order && borrow != 0));
  }
}
