// Decoding of UTF-8 that may be malformed.

const REPLACEMENT: u16 = 0xfffd;

/**
 * Reads UTF-8. Each maximal part of a sequence that is not well formed becomes one U+FFFD (Unicode 15, section 3.9,
 * "substitution of maximal subparts"), as browsers do.
 */
export function decodeUtf8(pointer: usize, size: i32): string {
  const end = pointer + size;
  let ascii = pointer;
  while (ascii < end && load<u8>(ascii) < 0x80) ++ascii;
  // A character takes at most as many UTF-16 units as it takes bytes.
  let text = changetype<string>(__new((<usize>size) << 1, idof<string>()));
  let out = changetype<usize>(text);
  for (let at = pointer; at < ascii; ++at, out += 2) store<u16>(out, load<u8>(at));
  if (ascii == end) return text;
  let at = ascii;
  while (at < end) {
    const lead = load<u8>(at);
    if (lead < 0x80) {
      store<u16>(out, lead);
      out += 2;
      ++at;
      continue;
    }
    const length = sequenceLength(lead);
    let code: u32 = (<u32>lead) & (0x7f >> length);
    let got = 1;
    while (got < length && at + got < end && isContinuation(lead, got, load<u8>(at + got))) {
      code = (code << 6) | (load<u8>(at + got) & 0x3f);
      ++got;
    }
    at += got;
    if (length == 0 || got < length) {
      store<u16>(out, REPLACEMENT);
      out += 2;
    } else if (code < 0x10000) {
      store<u16>(out, <u16>code);
      out += 2;
    } else {
      code -= 0x10000;
      store<u16>(out, <u16>(0xd800 | (code >> 10)));
      store<u16>(out, <u16>(0xdc00 | (code & 0x3ff)), 2);
      out += 4;
    }
  }
  return changetype<string>(__renew(changetype<usize>(text), out - changetype<usize>(text)));
}

/** Whether the bytes are well-formed UTF-8. */
export function isUtf8(pointer: usize, size: i32): bool {
  const end = pointer + size;
  let at = pointer;
  while (at < end) {
    const lead = load<u8>(at);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const length = sequenceLength(lead);
    if (length == 0 || at + length > end) return false;
    for (let i = 1; i < length; ++i) {
      if (!isContinuation(lead, i, load<u8>(at + i))) return false;
    }
    at += length;
  }
  return true;
}

/** Length of the sequence that a byte of 0x80 or above starts, or 0 when none starts so (Unicode 15, table 3-7). */
export function sequenceLength(lead: u8): i32 {
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

export function isContinuation(lead: u8, index: i32, byte: u8): bool {
  if ((byte & 0xc0) != 0x80) return false;
  if (index != 1) return true;
  // Overlong forms, surrogates and what is above U+10FFFF show in the second byte.
  if (lead == 0xe0) return byte >= 0xa0;
  if (lead == 0xed) return byte < 0xa0;
  if (lead == 0xf0) return byte >= 0x90;
  if (lead == 0xf4) return byte < 0x90;
  return true;
}
