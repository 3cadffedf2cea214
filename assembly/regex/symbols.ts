// Characters that a program tells apart.

import { isContinuation, sequenceLength } from "../encoding/utf8";
import { CharClass, posixClass } from "./char-class";

/** What stands for a byte that is no part of well-formed UTF-8. */
const REPLACEMENT: i32 = 0xfffd;

/**
 * Numbers for characters: two that every class of a program has or has not alike are one symbol, so that tables are as
 * wide as the patterns ask for, not as Unicode is.
 */
@final
export class Symbols {
  /** Number of symbols. */
  count: i32 = 1;
  /** The symbol of each ASCII character. */
  readonly ascii: StaticArray<u16> = new StaticArray<u16>(128);
  /** Where each symbol but the first begins. */
  private cuts: StaticArray<i32> = new StaticArray<i32>(0);
  /** Whether a class has a symbol, class by class. */
  private members: StaticArray<u8> = new StaticArray<u8>(0);

  /** @param withTraits Whether word characters and the end of a line must be symbols of their own. */
  build(classes: CharClass[], withTraits: bool): void {
    const cuts: i32[] = [];
    for (let i = 0; i < classes.length; ++i) addCuts(cuts, classes[i]);
    if (withTraits) {
      const word = posixClass("word");
      if (word !== null) addCuts(cuts, word);
      addCuts(cuts, CharClass.of(0x0a, 0x0a));
    }
    cuts.sort((a, b) => a - b);
    const distinct: i32[] = [];
    for (let i = 0; i < cuts.length; ++i) {
      if (cuts[i] > 0 && (i == 0 || cuts[i] != cuts[i - 1])) distinct.push(cuts[i]);
    }
    this.cuts = StaticArray.fromArray<i32>(distinct);
    this.count = distinct.length + 1;
    for (let code = 0; code < 128; ++code) this.ascii[code] = <u16>this.ofCode(code);
    this.members = new StaticArray<u8>(classes.length * this.count);
    for (let i = 0; i < classes.length; ++i) {
      for (let symbol = 0; symbol < this.count; ++symbol) {
        this.members[i * this.count + symbol] = u8(classes[i].has(this.firstOf(symbol)));
      }
    }
  }

  // @ts-ignore: decorator
  @inline
  isMember(classId: i32, symbol: i32): bool {
    return unchecked(this.members[classId * this.count + symbol]) != 0;
  }

  /** The smallest character of a symbol; all others have the same traits. */
  firstOf(symbol: i32): i32 {
    return symbol == 0 ? 0 : this.cuts[symbol - 1];
  }

  ofCode(code: i32): i32 {
    let low = 0;
    let high = this.cuts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (unchecked(this.cuts[middle]) <= code) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Bytes of the character that `characterAt` read last. */
export let characterSize: i32 = 0;

/** The character at a place that is not ASCII; U+FFFD, one byte long, where no well-formed one is. */
export function characterAt(pointer: usize, end: usize): i32 {
  const lead = load<u8>(pointer);
  const size = sequenceLength(lead);
  characterSize = 1;
  if (size == 0 || pointer + size > end) return REPLACEMENT;
  let code: i32 = (<i32>lead) & (0x7f >> size);
  for (let i = 1; i < size; ++i) {
    const byte = load<u8>(pointer + i);
    if (!isContinuation(lead, i, byte)) return REPLACEMENT;
    code = (code << 6) | (byte & 0x3f);
  }
  characterSize = size;
  return code;
}

function addCuts(cuts: i32[], chars: CharClass): void {
  for (let i = 0; i < chars.ranges.length; i += 2) {
    cuts.push(chars.ranges[i]);
    cuts.push(chars.ranges[i + 1] + 1);
  }
}
