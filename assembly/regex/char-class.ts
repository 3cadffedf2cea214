// Sets of characters.

export const MAX_CODE_POINT: i32 = 0x10ffff;

/** A set of code points. */
@final
export class CharClass {
  /** First and last code point of each range; sorted and apart from one another after `normalize`. */
  ranges: i32[] = [];

  static of(first: i32, last: i32): CharClass {
    return new CharClass().add(first, last);
  }

  add(first: i32, last: i32): this {
    this.ranges.push(first);
    this.ranges.push(last);
    return this;
  }

  addAll(other: CharClass): this {
    for (let i = 0; i < other.ranges.length; ++i) this.ranges.push(other.ranges[i]);
    return this;
  }

  /** Adds the other case of each ASCII letter. */
  foldCase(): this {
    for (let i = 0, n = this.ranges.length; i < n; i += 2) {
      const first = this.ranges[i];
      const last = this.ranges[i + 1];
      const upperFirst = max(first, 0x41);
      const upperLast = min(last, 0x5a);
      if (upperFirst <= upperLast) this.add(upperFirst + 32, upperLast + 32);
      const lowerFirst = max(first, 0x61);
      const lowerLast = min(last, 0x7a);
      if (lowerFirst <= lowerLast) this.add(lowerFirst - 32, lowerLast - 32);
    }
    return this;
  }

  normalize(): this {
    const pairs: i64[] = [];
    for (let i = 0; i < this.ranges.length; i += 2) pairs.push(((<i64>this.ranges[i]) << 32) | this.ranges[i + 1]);
    pairs.sort((a, b) => i32(a > b) - i32(a < b));
    const merged: i32[] = [];
    for (let i = 0; i < pairs.length; ++i) {
      const first = <i32>(pairs[i] >> 32);
      const last = <i32>pairs[i];
      const end = merged.length - 1;
      if (end > 0 && first <= merged[end] + 1) merged[end] = max(merged[end], last);
      else {
        merged.push(first);
        merged.push(last);
      }
    }
    this.ranges = merged;
    return this;
  }

  negate(): this {
    this.normalize();
    const ranges = this.ranges;
    const others: i32[] = [];
    let next = 0;
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i] > next) {
        others.push(next);
        others.push(ranges[i] - 1);
      }
      next = ranges[i + 1] + 1;
    }
    if (next <= MAX_CODE_POINT) {
      others.push(next);
      others.push(MAX_CODE_POINT);
    }
    this.ranges = others;
    return this;
  }

  has(code: i32): bool {
    for (let i = 0; i < this.ranges.length; i += 2) {
      if (code >= this.ranges[i] && code <= this.ranges[i + 1]) return true;
    }
    return false;
  }
}

/** The class of `\d`, `\w` or `\s`, or of one of these in capitals, which is all others. Null for another letter. */
export function perlClass(letter: i32): CharClass | null {
  let found: CharClass | null = null;
  switch (letter | 0x20) {
    case 0x64:
      found = posixClass("digit");
      break;
    case 0x77:
      found = posixClass("word");
      break;
    case 0x73:
      // Without the vertical tab, which is in [[:space:]].
      found = new CharClass().add(0x09, 0x0a).add(0x0c, 0x0d).add(0x20, 0x20);
      break;
    default:
      return null;
  }
  return found !== null && letter < 0x61 ? found.negate() : found;
}

const POSIX_NAMES: string[] = [
  "alnum",
  "alpha",
  "ascii",
  "blank",
  "cntrl",
  "digit",
  "graph",
  "lower",
  "print",
  "punct",
  "space",
  "upper",
  "word",
  "xdigit",
];
/** First and last character of each range, in the order of the names. */
const POSIX_RANGES: string[] = [
  "09AZaz",
  "AZaz",
  "\0\x7f",
  "\t\t  ",
  "\0\x1f\x7f\x7f",
  "09",
  "!~",
  "az",
  " ~",
  "!/:@[`{~",
  "\t\r  ",
  "AZ",
  "09AZaz__",
  "09AFaf",
];

/** The class of `[[:name:]]`; null for a name that is none. */
export function posixClass(name: string): CharClass | null {
  const index = POSIX_NAMES.indexOf(name);
  if (index < 0) return null;
  const text = POSIX_RANGES[index];
  const found = new CharClass();
  for (let i = 0; i < text.length; i += 2) found.add(text.charCodeAt(i), text.charCodeAt(i + 1));
  return found;
}
