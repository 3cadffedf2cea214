import { Bytes } from "../bytes";

/** Whether two runs of bytes are equal, in a time that depends on their sizes only. For secrets and what is made with them. */
export function constantTimeEquals(a: Bytes, b: Bytes): bool {
  if (a.size != b.size) return false;
  let difference: u32 = 0;
  for (let i = 0; i < a.size; ++i) difference |= load<u8>(a.pointer + i) ^ load<u8>(b.pointer + i);
  return difference == 0;
}
