// The syntax of RE2, as far as README.md says.

import { CharClass, MAX_CODE_POINT, perlClass, posixClass } from "./char-class";
import { Escape, escapeOf } from "./escape";
import { Assertion, Node, NodeKind } from "./node";

/** Groups in groups. */
const MAX_DEPTH: i32 = 100;
/** The largest number in `{n,m}`, as in RE2. */
const MAX_REPEAT: i32 = 1000;

// Flags, as letters in a set of bits.
const IGNORE_CASE: i32 = 1;
const MULTI_LINE: i32 = 2;
const DOT_ALL: i32 = 4;
const UNGREEDY: i32 = 8;
const FLAG_LETTERS: string = "imsU";

/** Reads a pattern. */
@final
export class Parser {
  /** What is wrong with the pattern; empty while nothing is. */
  error: string = "";
  private codes: i32[] = [];
  private at: i32 = 0;
  private flags: i32 = 0;

  /** @param dotAll Whether the pattern begins as if with `(?s)`. */
  constructor(pattern: string, dotAll: bool) {
    if (dotAll) this.flags = DOT_ALL;
    for (let i = 0; i < pattern.length; ++i) {
      const code = pattern.codePointAt(i);
      this.codes.push(code);
      if (code > 0xffff) ++i;
    }
  }

  /** Null when the pattern is malformed; `error` says why. */
  parse(): Node | null {
    const node = this.alternation(0);
    if (!this.error.length && this.at < this.codes.length) this.fail("a ) without (");
    return this.error.length ? null : node;
  }

  private fail(message: string): void {
    if (!this.error.length) this.error = `${message}, at character ${this.at + 1}`;
  }

  private peek(ahead: i32 = 0): i32 {
    const at = this.at + ahead;
    return at < this.codes.length ? this.codes[at] : -1;
  }

  private takes(code: i32): bool {
    if (this.peek() != code) return false;
    ++this.at;
    return true;
  }

  private alternation(depth: i32): Node {
    const branches: Node[] = [];
    do branches.push(this.concatenation(depth));
    while (!this.error.length && this.takes(0x7c));
    return Node.of(NodeKind.Alternate, branches);
  }

  private concatenation(depth: i32): Node {
    const parts: Node[] = [];
    while (!this.error.length) {
      const code = this.peek();
      if (code < 0 || code == 0x7c || code == 0x29) break;
      const atom = this.atom(depth);
      // `(?i)` is no part; a repetition after it repeats nothing.
      if (atom === null) continue;
      parts.push(this.repetition(atom));
    }
    return Node.of(NodeKind.Concat, parts);
  }

  private repetition(atom: Node): Node {
    if (!this.isRepetition()) return atom;
    let least = 0;
    let most = -1;
    const code = this.peek();
    if (code == 0x7b) {
      this.at++;
      least = this.number();
      most = least;
      if (this.takes(0x2c)) most = this.peek() == 0x7d ? -1 : this.number();
      this.at++;
      if (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && most < least)) {
        this.fail(`a repetition out of {n,m} with n up to m up to ${MAX_REPEAT}`);
      }
    } else {
      this.at++;
      if (code == 0x2b) least = 1;
      if (code == 0x3f) most = 1;
    }
    this.takes(0x3f); // Lazy: the same texts match.
    if (this.isRepetition()) this.fail("a repetition of a repetition");
    return Node.repeat(atom, least, most);
  }

  /** Whether `*`, `+`, `?` or a whole `{n}`, `{n,}` or `{n,m}` comes; any other `{` is a character. */
  private isRepetition(): bool {
    const code = this.peek();
    if (code == 0x2a || code == 0x2b || code == 0x3f) return true;
    if (code != 0x7b) return false;
    let i = 1;
    while (isDigit(this.peek(i))) ++i;
    if (i == 1) return false;
    if (this.peek(i) == 0x2c) {
      ++i;
      while (isDigit(this.peek(i))) ++i;
    }
    return this.peek(i) == 0x7d;
  }

  private number(): i32 {
    let value = 0;
    while (isDigit(this.peek())) value = min(value * 10 + (this.codes[this.at++] - 0x30), MAX_REPEAT + 1);
    return value;
  }

  private atom(depth: i32): Node | null {
    const code = this.codes[this.at++];
    switch (code) {
      case 0x28:
        return this.group(depth);
      case 0x5b:
        return Node.ofClass(this.bracket());
      case 0x2e: {
        const any = CharClass.of(0, MAX_CODE_POINT);
        return Node.ofClass(this.flags & DOT_ALL ? any : CharClass.of(0x0a, 0x0a).negate());
      }
      case 0x5e:
        return Node.ofAssertion(this.flags & MULTI_LINE ? Assertion.LineStart : Assertion.TextStart);
      case 0x24:
        return Node.ofAssertion(this.flags & MULTI_LINE ? Assertion.LineEnd : Assertion.TextEnd);
      case 0x2a:
      case 0x2b:
      case 0x3f:
        this.fail("a repetition of nothing");
        return null;
      case 0x5c:
        return this.escape();
      default:
        return this.literal(code);
    }
  }

  private literal(code: i32): Node {
    const chars = CharClass.of(code, code);
    return Node.ofClass(this.flags & IGNORE_CASE ? chars.foldCase() : chars);
  }

  private escape(): Node | null {
    const letter = this.peek();
    switch (letter) {
      case 0x41:
        return this.assertion(Assertion.TextStart);
      case 0x7a:
        return this.assertion(Assertion.TextEnd);
      case 0x62:
        return this.assertion(Assertion.WordBoundary);
      case 0x42:
        return this.assertion(Assertion.NoWordBoundary);
      case 0x51:
        return this.quoted();
      default: {
        const chars = perlClass(letter);
        if (chars === null) return this.literal(this.escapedCode());
        ++this.at;
        return Node.ofClass(chars);
      }
    }
  }

  private assertion(assertion: Assertion): Node {
    ++this.at;
    return Node.ofAssertion(assertion);
  }

  /** `\Q...\E`: everything in between as it is. A repetition after it is one of the last character. */
  private quoted(): Node | null {
    ++this.at;
    const parts: Node[] = [];
    while (this.at < this.codes.length) {
      if (this.peek() == 0x5c && this.peek(1) == 0x45) break;
      parts.push(this.literal(this.codes[this.at++]));
    }
    this.at = min(this.at + 2, this.codes.length);
    if (parts.length == 0) return null;
    const last = parts.pop();
    parts.push(this.repetition(last));
    return Node.of(NodeKind.Concat, parts);
  }

  /** The character of an escape, behind its backslash. */
  private escapedCode(): i32 {
    const escape: Escape = escapeOf(this.codes, this.at);
    if (escape.error.length) this.fail(escape.error);
    this.at += escape.size;
    return escape.code;
  }

  private group(depth: i32): Node | null {
    if (depth == MAX_DEPTH) {
      this.fail(`groups deeper than ${MAX_DEPTH}`);
      return null;
    }
    const outer = this.flags;
    if (this.peek() == 0x3f) {
      ++this.at;
      const isName = this.peek() == 0x50 || (this.peek() == 0x3c && this.peek(1) != 0x3d && this.peek(1) != 0x21);
      if (isName) this.groupName();
      else if (!this.groupFlags()) return null;
    }
    const node = this.alternation(depth + 1);
    if (!this.takes(0x29)) this.fail("a ( without )");
    this.flags = outer;
    return node;
  }

  /** `P<name>` or `<name>`. */
  private groupName(): void {
    this.takes(0x50);
    if (!this.takes(0x3c)) this.fail("a group that begins with (?P but not with (?P<");
    const start = this.at;
    while (isWord(this.peek())) ++this.at;
    if (this.at == start || !this.takes(0x3e)) this.fail("a name of a group out of letters, digits and _");
  }

  /** `i:`, `i-s:` and the like, and `i)`, which sets flags for what follows in the group around it: false for that. */
  private groupFlags(): bool {
    let flags = this.flags;
    let clears = false;
    let some = false;
    while (!this.error.length) {
      const code = this.peek();
      const flag = code < 0 || code > 0x7f ? -1 : FLAG_LETTERS.indexOf(String.fromCharCode(code));
      if (flag >= 0) {
        flags = clears ? flags & ~(1 << flag) : flags | (1 << flag);
        some = true;
      } else if (code == 0x2d && !clears) {
        clears = true;
        some = false;
      } else if ((code == 0x3a || code == 0x29) && (some || (!clears && code == 0x3a))) {
        ++this.at;
        this.flags = flags;
        return code == 0x3a;
      } else {
        this.fail("a group that begins with (? but is none of RE2, which has no lookaround");
      }
      ++this.at;
    }
    return false;
  }

  /** A class in brackets, behind the opening one. */
  private bracket(): CharClass {
    const chars = new CharClass();
    const negated = this.takes(0x5e);
    let first = true;
    while (!this.error.length && (first || this.peek() != 0x5d)) {
      if (this.peek() < 0) {
        this.fail("a [ without ]");
        break;
      }
      first = false;
      if (this.namedClass(chars)) continue;
      const from = this.bracketCode();
      let to = from;
      if (this.peek() == 0x2d && this.peek(1) >= 0 && this.peek(1) != 0x5d) {
        ++this.at;
        to = this.bracketCode();
        if (to < from) this.fail("a range whose end is before its start");
      }
      chars.add(from, to);
    }
    ++this.at;
    if (this.flags & IGNORE_CASE) chars.foldCase();
    return negated ? chars.negate() : chars;
  }

  /** Takes `[:alpha:]`, `[:^alpha:]` or `\d` inside of brackets. */
  private namedClass(chars: CharClass): bool {
    if (this.peek() == 0x5c) {
      const letter = this.peek(1);
      const perl = perlClass(letter);
      if (perl === null) return false;
      this.at += 2;
      chars.addAll(perl);
      return true;
    }
    if (this.peek() != 0x5b || this.peek(1) != 0x3a) return false;
    let end = 2;
    let name = "";
    while (isWord(this.peek(end)) || this.peek(end) == 0x5e) name += String.fromCharCode(this.peek(end++));
    if (this.peek(end) != 0x3a || this.peek(end + 1) != 0x5d) return false;
    const negated = name.startsWith("^");
    const named = posixClass(negated ? name.substring(1) : name);
    if (named === null) {
      this.fail(`a class [:${name}:] that is none`);
      return false;
    }
    chars.addAll(negated ? named.negate() : named);
    this.at += end + 2;
    return true;
  }

  private bracketCode(): i32 {
    const code = this.codes[this.at++];
    return code == 0x5c ? this.escapedCode() : code;
  }
}

function isDigit(code: i32): bool {
  return <u32>(code - 0x30) < 10;
}

function isWord(code: i32): bool {
  return isDigit(code) || <u32>((code | 0x20) - 0x61) < 26 || code == 0x5f;
}
