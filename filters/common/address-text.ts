// IP addresses as text.

import { Bytes } from "proxy-wasm-assemblyscript-sdk";

/** What stands before the 32 bits of an IPv4 address in the lower half (see `parseAddress`). */
// @ts-ignore: decorator
@inline const MAPPED: u64 = 0xffff;

/** Eight groups of four digits, a separator for each, and a length behind. */
// @ts-ignore: decorator
@inline const MAX_SIZE: i32 = 48;

let at: usize = 0;

/**
 * A range in its one canonical spelling, in memory of this callback: `192.0.2.0/24`, or `2001:db8::/64` (RFC 5952).
 * @param bits Out of 32 for an IPv4 address, which is `::ffff:a.b.c.d`; else out of 128.
 */
export function rangeText(high: u64, low: u64, bits: i32): Bytes {
  const out = Bytes.allocate(MAX_SIZE);
  at = out.pointer;
  if (isIpv4(high, low)) writeIpv4(<u32>low);
  else writeIpv6(high, low);
  put(0x2f);
  writeDecimal(bits);
  return out.slice(0, <i32>(at - out.pointer));
}

export function isIpv4(high: u64, low: u64): bool {
  return high == 0 && low >> 32 == MAPPED;
}

function writeIpv4(address: u32): void {
  for (let shift = 24; shift >= 0; shift -= 8) {
    writeDecimal(<i32>((address >> shift) & 0xff));
    if (shift) put(0x2e);
  }
}

function writeIpv6(high: u64, low: u64): void {
  // RFC 5952, section 4.2: `::` stands for the first of the longest runs of two or more zero groups.
  let gap = -1;
  let gapLength = 1;
  for (let start = 0; start < 8; ++start) {
    let end = start;
    while (end < 8 && groupOf(high, low, end) == 0) ++end;
    if (end - start > gapLength) {
      gap = start;
      gapLength = end - start;
    }
  }
  for (let i = 0; i < 8; ++i) {
    if (i == gap) {
      put(0x3a);
      put(0x3a);
      i += gapLength - 1;
      continue;
    }
    const isAfterGap = gap >= 0 && i == gap + gapLength;
    if (i && !isAfterGap) put(0x3a);
    writeHex(groupOf(high, low, i));
  }
}

function groupOf(high: u64, low: u64, index: i32): u32 {
  const half = index < 4 ? high : low;
  return <u32>((half >> (48 - ((index & 3) << 4))) & 0xffff);
}

function writeHex(group: u32): void {
  let started = false;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (group >> shift) & 15;
    if (!started && digit == 0 && shift) continue;
    started = true;
    put(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

function writeDecimal(value: i32): void {
  if (value >= 100) put(0x30 + value / 100);
  if (value >= 10) put(0x30 + ((value / 10) % 10));
  put(0x30 + (value % 10));
}

// @ts-ignore: decorator
@inline
function put(byte: u32): void {
  store<u8>(at++, <u8>byte);
}
