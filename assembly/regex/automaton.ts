// A deterministic automaton that is built as texts ask for it.

import { Bytes } from "../bytes";
import { Program, Trait } from "./program";
import { END, matched, reached, reserve, step, traitsOf } from "./simulation";
import { characterAt, characterSize } from "./symbols";

/** The state from which no text matches. */
const DEAD: i32 = 0;
const START: i32 = 1;
const UNKNOWN: i32 = -1;

/**
 * Runs a program over texts. Each state of it stands for a set of the program's states; it and the ways that lead from it are
 * made when a text first comes by. When they fill the memory that they may have, what is not there is simulated step by
 * step instead: slower by the size of the program, and still linear in the text.
 */
@final
export class Automaton {
  /** For each state and symbol the next state. */
  private table: StaticArray<i32> = new StaticArray<i32>(0);
  /** For each state what it stands for: address in `pool`, size, traits of the character before, hash, place in `answers`. */
  private states: StaticArray<i32> = new StaticArray<i32>(16 * STATE_FIELDS);
  private count: i32 = 0;
  private pool: StaticArray<i32> = new StaticArray<i32>(64);
  private used: i32 = 0;
  /** States by hash. */
  private buckets: StaticArray<i32> = new StaticArray<i32>(32);
  /** For states that were at an end: how many patterns match, and which. */
  private answers: StaticArray<i32> = new StaticArray<i32>(16);
  private answered: i32 = 0;
  private width: i32 = 1;
  /** The states of a simulation; and its answer. */
  private simulated: StaticArray<i32> = new StaticArray<i32>(0);
  private answer: usize = 0;
  private program: Program;

  /** @param limit How many bytes tables may take, about. */
  constructor(
    program: Program,
    private limit: i32,
  ) {
    this.program = program;
    reserve(program);
    this.width = program.symbols.count;
    this.simulated = new StaticArray<i32>(max(program.instructions.length >> 2, program.starts.length) + 1);
    this.table = new StaticArray<i32>(16 * this.width);
    this.buckets.fill(UNKNOWN);
    reached.clear();
    this.intern(Trait.None);
    for (let i = 0; i < program.starts.length; ++i) reached.add(program.starts[i]);
    this.intern(Trait.Edge);
  }

  /** How many patterns match the whole text. */
  run(text: Bytes): i32 {
    const symbols = this.program.symbols;
    const ascii = changetype<usize>(symbols.ascii);
    const width = this.width;
    const end = text.pointer + text.size;
    let table = changetype<usize>(this.table);
    let state = START;
    for (let at = text.pointer; at < end;) {
      const byte = load<u8>(at);
      let size = 1;
      let symbol: i32;
      if (byte < 0x80) {
        symbol = load<u16>(ascii + ((<usize>byte) << 1));
      } else {
        symbol = symbols.ofCode(characterAt(at, end));
        size = characterSize;
      }
      let next = load<i32>(table + ((<usize>(state * width + symbol)) << 2));
      if (next < 0) {
        next = this.follow(state, symbol);
        if (next < 0) return this.simulate(symbol, at + size, end);
        table = changetype<usize>(this.table);
      }
      if (next == DEAD) return 0;
      state = next;
      at += size;
    }
    return this.answerOf(state);
  }

  /** Of the patterns that matched in the last `run`, the one at a place: its number. */
  matchAt(index: i32): i32 {
    return load<i32>(this.answer + ((<usize>index) << 2));
  }

  /** The state behind `state` and a symbol, or -1 when there is no room for it; `reached` then has what it stands for. */
  private follow(state: i32, symbol: i32): i32 {
    const fields = this.fieldsOf(state);
    const after = traitsOf(this.program, symbol);
    step(this.program, this.poolAt(fields.start), fields.size, fields.before, symbol, after);
    const next = this.intern(after);
    if (next >= 0) unchecked((this.table[state * this.width + symbol] = next));
    return next;
  }

  private simulate(symbol: i32, at: usize, end: usize): i32 {
    const program = this.program;
    const symbols = program.symbols;
    const states = changetype<usize>(this.simulated);
    let before = traitsOf(program, symbol);
    while (true) {
      const count = reached.size;
      if (count == 0) return 0;
      memory.copy(states, reached.data, (<usize>count) << 2);
      if (at >= end) {
        step(program, states, count, before, END, Trait.Edge);
        memory.copy(states, matched.data, (<usize>matched.size) << 2);
        this.answer = states;
        return matched.size;
      }
      const byte = load<u8>(at);
      const next = symbols.ofCode(byte < 0x80 ? byte : characterAt(at, end));
      at += byte < 0x80 ? 1 : characterSize;
      const after = traitsOf(program, next);
      step(program, states, count, before, next, after);
      before = after;
    }
  }

  /** The number of patterns that match where a text ends in a state. */
  private answerOf(state: i32): i32 {
    let fields = this.fieldsOf(state);
    if (fields.answer < 0) {
      step(this.program, this.poolAt(fields.start), fields.size, fields.before, END, Trait.Edge);
      const place = this.answered;
      if (place + matched.size + 1 > this.answers.length) {
        // States are few enough that answers fit, but for patterns that mostly match together.
        if (this.answers.length << 3 > this.limit && (place + matched.size) << 2 > this.limit) {
          memory.copy(changetype<usize>(this.simulated), matched.data, (<usize>matched.size) << 2);
          this.answer = changetype<usize>(this.simulated);
          return matched.size;
        }
        this.answers = grown(this.answers, place + matched.size + 1);
      }
      this.answers[place] = matched.size;
      memory.copy(
        changetype<usize>(this.answers) + ((<usize>(place + 1)) << 2),
        matched.data,
        (<usize>matched.size) << 2,
      );
      this.answered = place + matched.size + 1;
      fields.answer = place;
    }
    this.answer = changetype<usize>(this.answers) + ((<usize>(fields.answer + 1)) << 2);
    return load<i32>(this.answer - 4);
  }

  /** The state that stands for `reached`, a new one if need be; -1 when there is no room for one. */
  private intern(before: i32): i32 {
    // What stood before no longer matters to no states.
    if (reached.size == 0) before = Trait.None;
    let hash: u32 = before * 0x9e3779b1 + reached.size;
    for (let i = 0; i < reached.size; ++i) {
      let part: u32 = load<u32>(reached.data + ((<usize>i) << 2)) * 0x85ebca6b;
      part ^= part >> 15;
      hash += part * 0xc2b2ae35;
    }
    hash ^= hash >> 13;
    const mask = this.buckets.length - 1;
    let bucket = (<i32>hash) & mask;
    for (; this.buckets[bucket] >= 0; bucket = (bucket + 1) & mask) {
      if (this.standsFor(this.buckets[bucket], before, hash)) return this.buckets[bucket];
    }
    if (!this.makeRoom()) return -1;
    const state = this.count++;
    const fields = this.fieldsOf(state);
    fields.start = this.used;
    fields.size = reached.size;
    fields.before = before;
    fields.hash = hash;
    fields.answer = UNKNOWN;
    memory.copy(this.poolAt(this.used), reached.data, (<usize>reached.size) << 2);
    this.used += reached.size;
    const row = changetype<usize>(this.table) + ((<usize>(state * this.width)) << 2);
    memory.fill(row, 0xff, (<usize>this.width) << 2);
    this.insert(state);
    return state;
  }

  private standsFor(state: i32, before: i32, hash: u32): bool {
    const fields = this.fieldsOf(state);
    if (fields.hash != hash || fields.size != reached.size || fields.before != before) return false;
    const members = this.poolAt(fields.start);
    for (let i = 0; i < fields.size; ++i) {
      if (!reached.has(load<i32>(members + ((<usize>i) << 2)))) return false;
    }
    return true;
  }

  /** Makes room for one more state. False where that would take too much memory. */
  private makeRoom(): bool {
    const states = this.count + 1;
    const pool = this.used + reached.size;
    const cells = states * (this.width + STATE_FIELDS + 2) + pool;
    // The first two states always are there.
    if (this.count > START && cells << 2 > this.limit) return false;
    if (states * STATE_FIELDS > this.states.length) this.states = grown(this.states, states * STATE_FIELDS);
    if (states * this.width > this.table.length) this.table = grown(this.table, states * this.width);
    if (pool > this.pool.length) this.pool = grown(this.pool, pool);
    if (states * 2 > this.buckets.length) {
      this.buckets = new StaticArray<i32>(this.buckets.length << 1);
      this.buckets.fill(UNKNOWN);
      for (let i = 0; i < this.count; ++i) this.insert(i);
    }
    return true;
  }

  private insert(state: i32): void {
    const mask = this.buckets.length - 1;
    let bucket = (<i32>this.fieldsOf(state).hash) & mask;
    while (this.buckets[bucket] >= 0) bucket = (bucket + 1) & mask;
    this.buckets[bucket] = state;
  }

  // @ts-ignore: decorator
  @inline
  private fieldsOf(state: i32): StateFields {
    return changetype<StateFields>(changetype<usize>(this.states) + <usize>state * offsetof<StateFields>());
  }

  // @ts-ignore: decorator
  @inline
  private poolAt(index: i32): usize {
    return changetype<usize>(this.pool) + ((<usize>index) << 2);
  }
}

/** What is kept of a state. */
@unmanaged
@final
class StateFields {
  start: i32;
  size: i32;
  before: i32;
  hash: u32;
  answer: i32;
}

/** Words in `StateFields`. */
const STATE_FIELDS: i32 = 5;

function grown(array: StaticArray<i32>, least: i32): StaticArray<i32> {
  const copy = new StaticArray<i32>(max(array.length << 1, least));
  memory.copy(changetype<usize>(copy), changetype<usize>(array), (<usize>array.length) << 2);
  return copy;
}
