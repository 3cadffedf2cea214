/** How the value of a field is encoded. */
export enum WireType {
  Varint = 0,
  I64 = 1,
  Len = 2,
  /** Begin and end of a group, which proto2 has and nobody uses: readers pass over groups. */
  StartGroup = 3,
  EndGroup = 4,
  I32 = 5,
}

/** The largest number that a field can have. */
export const MAX_FIELD: u32 = (1 << 29) - 1;

/** The signed number that sint32 and sint64 write as this one. */
// @ts-ignore: decorator
@inline
export function zigZagDecode(value: u64): i64 {
  return (<i64>(value >> 1)) ^ -(<i64>(value & 1));
}

/** What sint32 and sint64 write for a number, so that small negative ones are short. */
// @ts-ignore: decorator
@inline
export function zigZagEncode(value: i64): u64 {
  return ((<u64>value) << 1) ^ (<u64>(value >> 63));
}
