/** The first byte behind what the last `readVarint` read; 0 when there was no varint. */
export let varintEnd: usize = 0;

/** A varint of at most 64 bits, in at most ten bytes. */
export function readVarint(start: usize, end: usize): u64 {
  let value: u64 = 0;
  let at = start;
  for (let shift: u64 = 0; shift < 70 && at < end; shift += 7) {
    const byte = load<u8>(at++);
    // The tenth byte holds the last of 64 bits.
    if (shift == 63 && byte > 1) break;
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) {
      varintEnd = at;
      return value;
    }
  }
  varintEnd = 0;
  return 0;
}
