import { Bytes } from "../bytes";

/** The digits of the largest number. */
// @ts-ignore: decorator
@inline const DIGITS: i32 = 20;
const digits: usize = memory.data(20);

/** A number in decimal digits, without allocation on the heap. The digits are overwritten by the next call. */
export function decimal(value: u64): Bytes {
  let at = DIGITS;
  do {
    store<u8>(digits + --at, <u8>(0x30 + (value % 10)));
    value /= 10;
  } while (value);
  return Bytes.at(digits + at, DIGITS - at);
}
