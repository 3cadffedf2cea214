// One step of all states of a program at once.

import { Op, Instruction, Program, Trait, holds } from "./program";
import { SparseSet } from "./sparse-set";

/** The symbol behind the last character. */
export const END: i32 = -1;

/** The states after the last step. */
export const reached: SparseSet = new SparseSet();
/** The patterns that match, after a step at the end of a text. */
export const matched: SparseSet = new SparseSet();

const closure: SparseSet = new SparseSet();
let stack: StaticArray<i32> = new StaticArray<i32>(0);

/** Makes room for a program. To be called when it is compiled, so that nothing is allocated when it runs. */
export function reserve(program: Program): void {
  const states = program.instructions.length >> 2;
  reached.reserve(states);
  closure.reserve(states);
  matched.reserve(program.starts.length);
  // A state is looked at once, and leaves two behind at the most.
  if (stack.length < 2 * states + 2) stack = new StaticArray<i32>(2 * states + 2);
}

/**
 * Goes from some states over one symbol. Where each state leads before the symbol comes depends, for assertions, on the
 * traits of what is on both sides; that is why states are kept as they were reached, and followed only here.
 */
export function step(program: Program, states: usize, count: i32, before: i32, symbol: i32, after: i32): void {
  const instructions = changetype<usize>(program.instructions);
  const symbols = program.symbols;
  const pending = changetype<usize>(stack);
  reached.clear();
  matched.clear();
  closure.clear();
  for (let i = 0; i < count; ++i) {
    let depth = 1;
    store<i32>(pending, load<i32>(states + ((<usize>i) << 2)));
    while (depth > 0) {
      --depth;
      const state = load<i32>(pending + ((<usize>depth) << 2));
      if (closure.has(state)) continue;
      closure.add(state);
      const instruction = changetype<Instruction>(instructions + <usize>state * offsetof<Instruction>());
      switch (instruction.op) {
        case Op.Char:
          if (symbol != END && symbols.isMember(instruction.argument, symbol)) reached.add(instruction.to);
          break;
        case Op.Split:
          store<i32>(pending + ((<usize>depth) << 2), instruction.other);
          store<i32>(pending + ((<usize>(depth + 1)) << 2), instruction.to);
          depth += 2;
          break;
        case Op.Assert:
          if (!holds(instruction.argument, before, after)) break;
          store<i32>(pending + ((<usize>depth) << 2), instruction.to);
          ++depth;
          break;
        default:
          if (symbol == END) matched.add(instruction.argument);
          break;
      }
    }
  }
}

/** The traits of the characters of a symbol. */
export function traitsOf(program: Program, symbol: i32): i32 {
  if (symbol == END) return Trait.Edge;
  if (!program.hasAssertions) return Trait.None;
  const code = program.symbols.firstOf(symbol);
  if (code == 0x0a) return Trait.Newline;
  const isWord = <u32>((code | 0x20) - 0x61) < 26 || <u32>(code - 0x30) < 10 || code == 0x5f;
  return isWord ? Trait.Word : Trait.None;
}
