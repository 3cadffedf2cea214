// Regular expressions whose cost is linear in the text, whatever pattern and text are. README.md has the syntax.

import { Bytes } from "../bytes";
import { Automaton } from "./automaton";
import { Parser } from "./parser";
import { Program } from "./program";

/** States of one pattern, about one for each character that it asks for. */
const MAX_STATES: i32 = 4000;
/** States of a set. */
const MAX_SET_STATES: i32 = 200_000;
/** Characters of a pattern. */
const MAX_PATTERN: i32 = 4096;
/** Bytes that the tables of a pattern may take, and of a set. */
const MEMORY: i32 = 64 * 1024;
const SET_MEMORY: i32 = 2 * 1024 * 1024;

/** Why the last pattern was refused, for example `a ( without ), at character 3`. */
export let regexError: string = "";

/**
 * A pattern that is tested against whole texts, as Envoy's `safe_regex` does: `/a` does not match `/a/b`, `/a.*` does.
 * Made once; a test allocates nothing once the automaton has seen texts of its kind.
 *
 *     const regex = Regex.compile("/users/[0-9]+");
 *     if (regex === null) log(regexError);
 */
@final
export class Regex {
  private constructor(private automaton: Automaton) {}

  /**
   * Null for a pattern that is malformed, too large or not supported; `regexError` says why.
   * @param dotAll Whether `.` matches line ends, as with `(?s)`.
   */
  static compile(pattern: string, dotAll: bool = false): Regex | null {
    const program = new Program();
    if (!addPattern(program, pattern, dotAll)) return null;
    program.finish();
    return new Regex(new Automaton(program, MEMORY));
  }

  /** Whether the whole text is as the pattern says. */
  matches(text: Bytes): bool {
    return this.automaton.run(text) > 0;
  }
}

/**
 * Patterns that are tested against a text all at once, at about the cost of one. Add each, then `compile`, then `scan`:
 *
 *     for (let i = 0, n = set.scan(path); i < n; ++i) found(set.matchAt(i));
 */
@final
export class RegexSet {
  private program: Program = new Program();
  private automaton: Automaton | null = null;

  /**
   * Adds a pattern: its number, counted from 0, or -1 when it is malformed, too large or not supported, or the set is full;
   * `regexError` says why.
   */
  add(pattern: string, dotAll: bool = false): i32 {
    if (this.program.size > MAX_SET_STATES) {
      regexError = "too many patterns in one set";
      return -1;
    }
    return addPattern(this.program, pattern, dotAll) ? this.program.starts.length - 1 : -1;
  }

  /** Number of patterns. */
  get size(): i32 {
    return this.program.starts.length;
  }

  /** To be called once, when every pattern is in. */
  compile(): void {
    this.program.finish();
    this.automaton = new Automaton(this.program, SET_MEMORY);
  }

  /** How many patterns match the whole text; none before `compile`. */
  scan(text: Bytes): i32 {
    const automaton = this.automaton;
    return automaton === null ? 0 : automaton.run(text);
  }

  /** The number of one of the patterns that matched in the last `scan`; they are in no particular order. */
  matchAt(index: i32): i32 {
    const automaton = this.automaton;
    return automaton === null ? -1 : automaton.matchAt(index);
  }
}

function addPattern(program: Program, pattern: string, dotAll: bool): bool {
  regexError = "";
  if (pattern.length > MAX_PATTERN) {
    regexError = `a pattern of more than ${MAX_PATTERN} characters`;
    return false;
  }
  const parser = new Parser(pattern, dotAll);
  const node = parser.parse();
  if (node === null) {
    regexError = parser.error;
    return false;
  }
  if (!program.add(node, MAX_STATES)) regexError = `a pattern that takes more than ${MAX_STATES} states`;
  return regexError.length == 0;
}
