// Escapes that stand for one character.

import { MAX_CODE_POINT } from "./char-class";

/** What stands behind a backslash. */
@final
export class Escape {
  constructor(
    readonly code: i32,
    /** Characters behind the backslash. */
    readonly size: i32,
    readonly error: string = "",
  ) {}
}

/** @param at The place behind the backslash. */
export function escapeOf(codes: i32[], at: i32): Escape {
  const letter = at < codes.length ? codes[at] : -1;
  if (letter < 0) return new Escape(0, 0, "a \\ at the end");
  switch (letter) {
    case 0x61:
      return new Escape(0x07, 1);
    case 0x66:
      return new Escape(0x0c, 1);
    case 0x6e:
      return new Escape(0x0a, 1);
    case 0x72:
      return new Escape(0x0d, 1);
    case 0x74:
      return new Escape(0x09, 1);
    case 0x76:
      return new Escape(0x0b, 1);
    case 0x78:
      return hexEscape(codes, at);
    default:
      break;
  }
  if (letter == 0x30 || (isOctal(letter) && isOctal(codeAt(codes, at + 1)))) return octalEscape(codes, at);
  const isAlphanumeric = <u32>((letter | 0x20) - 0x61) < 26 || <u32>(letter - 0x30) < 10;
  if (isAlphanumeric || letter >= 0x80) {
    return new Escape(0, 0, `an escape \\${String.fromCodePoint(letter)} that is not supported`);
  }
  return new Escape(letter, 1);
}

/** `\x41` or `\x{10FFFF}`. */
function hexEscape(codes: i32[], at: i32): Escape {
  const braces = codeAt(codes, at + 1) == 0x7b;
  let end = at + (braces ? 2 : 1);
  const start = end;
  let code = 0;
  while (hexDigit(codeAt(codes, end)) >= 0 && (braces ? code <= MAX_CODE_POINT : end < start + 2)) {
    code = code * 16 + hexDigit(codes[end++]);
  }
  const whole = braces ? end > start && codeAt(codes, end) == 0x7d : end == start + 2;
  if (!whole || code > MAX_CODE_POINT) return new Escape(0, 0, "an escape other than \\x41 and \\x{10FFFF}");
  return new Escape(code, end - at + i32(braces));
}

/** Up to three octal digits. */
function octalEscape(codes: i32[], at: i32): Escape {
  let code = 0;
  let size = 0;
  while (size < 3 && isOctal(codeAt(codes, at + size))) code = code * 8 + (codes[at + size++] - 0x30);
  return new Escape(code, size);
}

function codeAt(codes: i32[], at: i32): i32 {
  return at < codes.length ? codes[at] : -1;
}

function isOctal(code: i32): bool {
  return <u32>(code - 0x30) < 8;
}

function hexDigit(code: i32): i32 {
  if (<u32>(code - 0x30) < 10) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return <u32>letter < 6 ? letter + 10 : -1;
}
