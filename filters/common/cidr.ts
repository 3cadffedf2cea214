// Ranges of IP addresses (RFC 4632, RFC 4291).

import { Bytes, ConfigObject, hexValue } from "proxy-wasm-assemblyscript-sdk";

/** The upper 64 bits of the address that `parseAddress` read last. An IPv4 address is `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). */
export let addressHigh: u64 = 0;
/** The lower 64 bits. */
export let addressLow: u64 = 0;

/** What stands before the 32 bits of an IPv4 address in the lower half. */
const MAPPED: u64 = 0xffff;

/** Reads an IPv4 or IPv6 address without port, brackets and zone. False for any other text. */
export function parseAddress(text: Bytes): bool {
  if (text.indexOf(0x3a) >= 0) return parseIpv6(text);
  const value = parseIpv4(text, 0);
  if (value < 0) return false;
  addressHigh = 0;
  addressLow = (MAPPED << 32) | (<u64>value);
  return true;
}

/** A range such as `10.0.0.0/8`, or one address. */
@final
export class Cidr {
  constructor(
    readonly high: u64,
    readonly low: u64,
    /** Out of 128; of an IPv4 range 96 and more. */
    readonly bits: i32,
  ) {}

  /** Null for a text that is no range, or that has bits behind its prefix, which would be a mistake. */
  static parse(text: string): Cidr | null {
    const slash = text.indexOf("/");
    const name = Bytes.utf8(slash < 0 ? text : text.substring(0, slash));
    const isIpv4 = name.indexOf(0x3a) < 0;
    const width = isIpv4 ? 32 : 128;
    const length = slash < 0 ? width : prefixLength(text.substring(slash + 1), width);
    if (length < 0 || !parseAddress(name)) return null;
    const bits = isIpv4 ? length + 96 : length;
    if ((addressHigh & maskHigh(bits)) != addressHigh || (addressLow & maskLow(bits)) != addressLow) return null;
    return new Cidr(addressHigh, addressLow, bits);
  }

  /** Whether an address is in the range. An IPv6 range such as `::/0` has no IPv4 address. */
  hasAddress(high: u64, low: u64): bool {
    if (this.bits < 96 && high == 0 && low >> 32 == MAPPED) return false;
    return (high & maskHigh(this.bits)) == this.high && (low & maskLow(this.bits)) == this.low;
  }
}

/** Reads a field of ranges. */
export function readCidrs(object: ConfigObject, field: string): Cidr[] {
  const texts = object.strings(field);
  const ranges: Cidr[] = [];
  for (let i = 0; i < texts.length; ++i) {
    const range = Cidr.parse(texts[i]);
    if (range !== null) ranges.push(range);
    else
      object.error(
        field,
        `ranges such as "10.0.0.0/8" and "2001:db8::/32" without bits behind them; "${texts[i]}" is none`,
      );
  }
  return ranges;
}

export function maskHigh(bits: i32): u64 {
  return bits >= 64 ? u64.MAX_VALUE : bits <= 0 ? 0 : u64.MAX_VALUE << (64 - bits);
}

export function maskLow(bits: i32): u64 {
  return bits >= 128 ? u64.MAX_VALUE : bits <= 64 ? 0 : u64.MAX_VALUE << (128 - bits);
}

function prefixLength(text: string, width: i32): i32 {
  if (text.length == 0 || text.length > 3 || (text.length > 1 && text.charCodeAt(0) == 0x30)) return -1;
  let value = 0;
  for (let i = 0; i < text.length; ++i) {
    const digit = text.charCodeAt(i) - 0x30;
    if (<u32>digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= width ? value : -1;
}

/** The 32 bits of four decimal numbers without zeros in front, from a place to the end; -1 for anything else. */
function parseIpv4(text: Bytes, start: i32): i64 {
  let value: i64 = 0;
  let parts = 0;
  let at = start;
  while (parts < 4) {
    const from = at;
    let part = 0;
    while (at < text.size && <u32>(text[at] - 0x30) < 10 && at - from < 4) part = part * 10 + (text[at++] - 0x30);
    if (at == from || at - from > 3 || part > 255 || (at - from > 1 && text[from] == 0x30)) return -1;
    value = (value << 8) | part;
    if (++parts == 4) break;
    if (at >= text.size || text[at++] != 0x2e) return -1;
  }
  return at == text.size ? value : -1;
}

function parseIpv6(text: Bytes): bool {
  let high: u64 = 0;
  let low: u64 = 0;
  let count = 0;
  /** How many groups stand before `::`. */
  let gap = -1;
  let at = 0;
  if (text.size >= 2 && text[0] == 0x3a) {
    if (text[1] != 0x3a) return false;
    gap = 0;
    at = 2;
  }
  while (at < text.size) {
    if (count == 8) return false;
    const from = at;
    let group: u64 = 0;
    while (at < text.size && at - from < 5 && hexValue(text[at]) >= 0)
      group = (group << 4) | (<u64>hexValue(text[at++]));
    if (at < text.size && text[at] == 0x2e) {
      const tail = count > 6 ? -1 : parseIpv4(text, from);
      if (tail < 0) return false;
      high = (high << 32) | (low >> 32);
      low = (low << 32) | (<u64>tail);
      count += 2;
      at = text.size;
      break;
    }
    if (at == from || at - from > 4) return false;
    high = (high << 16) | (low >> 48);
    low = (low << 16) | group;
    ++count;
    if (at == text.size) break;
    if (text[at++] != 0x3a) return false;
    if (at < text.size && text[at] == 0x3a) {
      if (gap >= 0) return false;
      gap = count;
      ++at;
    } else if (at == text.size) return false;
  }
  if (gap < 0) {
    if (count != 8) return false;
  } else {
    if (count > 7) return false;
    // What stands behind the gap stays; what stands before it goes to the front.
    const tailBits = (count - gap) * 16;
    const headHigh = shiftedRightHigh(high, low, tailBits);
    const headLow = shiftedRightLow(high, low, tailBits);
    const tailHigh = high & ~maskHigh(128 - tailBits);
    const tailLow = low & ~maskLow(128 - tailBits);
    const up = 128 - gap * 16;
    high = shiftedLeftHigh(headHigh, headLow, up) | tailHigh;
    low = (up >= 64 ? 0 : headLow << up) | tailLow;
  }
  addressHigh = high;
  addressLow = low;
  return true;
}

function shiftedRightHigh(high: u64, low: u64, bits: i32): u64 {
  return bits >= 64 ? 0 : high >> bits;
}

function shiftedRightLow(high: u64, low: u64, bits: i32): u64 {
  if (bits == 0) return low;
  if (bits >= 128) return 0;
  return bits >= 64 ? high >> (bits - 64) : (low >> bits) | (high << (64 - bits));
}

function shiftedLeftHigh(high: u64, low: u64, bits: i32): u64 {
  if (bits == 0) return high;
  if (bits >= 128) return 0;
  return bits >= 64 ? low << (bits - 64) : (high << bits) | (low >> (64 - bits));
}
