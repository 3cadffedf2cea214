// Patterns as a program: the states of Thompson's automaton.

import { CharClass } from "./char-class";
import { Assertion, Node, NodeKind } from "./node";
import { Symbols } from "./symbols";

export enum Op {
  /** Takes one character of class `argument`, and goes to `to`. */
  Char,
  /** Goes to `to` and to `other`. */
  Split,
  /** Goes to `to` where the assertion `argument` holds. */
  Assert,
  /** Pattern `argument` matches, if the text ends here. */
  Match,
}

/** One state. */
@unmanaged
@final
export class Instruction {
  op: Op;
  argument: i32;
  to: i32;
  other: i32;
}

/** The states of one pattern or of several. */
@final
export class Program {
  /** States at which patterns begin. */
  starts: i32[] = [];
  /** Whether what stands beside a place matters. */
  hasAssertions: bool = false;
  /** Filled by `finish`. */
  instructions: StaticArray<i32> = new StaticArray<i32>(0);
  symbols: Symbols = new Symbols();
  private classes: CharClass[] = [];
  private classIds: Map<string, i32> = new Map<string, i32>();
  private code: i32[] = [];
  private limit: i32 = 0;

  /** Number of states. */
  get size(): i32 {
    return this.code.length >> 2;
  }

  /** Adds a pattern. False where it would take more than `limit` states by itself; it is not in then. */
  add(node: Node, limit: i32): bool {
    const before = this.code.length;
    const pattern = this.starts.length;
    this.limit = this.size + limit;
    const start = this.emit(node, this.state(Op.Match, pattern, 0, 0));
    if (this.size > this.limit) {
      this.code.length = before;
      return false;
    }
    this.starts.push(start);
    return true;
  }

  /** To be called when every pattern is in. */
  finish(): void {
    this.instructions = StaticArray.fromArray<i32>(this.code);
    this.code = [];
    this.symbols.build(this.classes, this.hasAssertions);
    this.classes = [];
    this.classIds.clear();
  }

  private state(op: Op, argument: i32, to: i32, other: i32): i32 {
    const index = this.size;
    this.code.push(op);
    this.code.push(argument);
    this.code.push(to);
    this.code.push(other);
    return index;
  }

  /** The state at which `node` begins, when state `next` is what follows it. */
  private emit(node: Node, next: i32): i32 {
    // What is too large already needs no more states, and could take for ever.
    if (this.size > this.limit) return next;
    switch (node.kind) {
      case NodeKind.Empty:
        return next;
      case NodeKind.Class:
        return this.state(Op.Char, this.classOf(node.class), next, 0);
      case NodeKind.Assert:
        this.hasAssertions = true;
        return this.state(Op.Assert, node.assertion, next, 0);
      case NodeKind.Concat: {
        let to = next;
        for (let i = node.children.length - 1; i >= 0; --i) to = this.emit(node.children[i], to);
        return to;
      }
      case NodeKind.Alternate: {
        let to = this.emit(node.children[node.children.length - 1], next);
        for (let i = node.children.length - 2; i >= 0; --i) {
          const branch = this.emit(node.children[i], next);
          to = this.state(Op.Split, 0, branch, to);
        }
        return to;
      }
      default:
        return this.emitRepeat(node, next);
    }
  }

  private emitRepeat(node: Node, next: i32): i32 {
    const child = node.children[0];
    let to = next;
    if (node.max < 0) {
      const loop = this.state(Op.Split, 0, 0, next);
      const body = this.emit(child, loop);
      this.code[(loop << 2) + 2] = body;
      to = loop;
    }
    for (let i = node.min; i < node.max && this.size <= this.limit; ++i) {
      const body = this.emit(child, to);
      to = this.state(Op.Split, 0, body, next);
    }
    for (let i = 0; i < node.min && this.size <= this.limit; ++i) to = this.emit(child, to);
    return to;
  }

  private classOf(chars: CharClass | null): i32 {
    if (chars === null) return 0;
    const key = chars.ranges.join(",");
    if (this.classIds.has(key)) return this.classIds.get(key);
    const id = this.classes.push(chars) - 1;
    this.classIds.set(key, id);
    return id;
  }
}

/** Whether what an assertion says is so between two characters, given by their traits. */
export function holds(assertion: Assertion, before: i32, after: i32): bool {
  switch (assertion) {
    case Assertion.TextStart:
      return (before & Trait.Edge) != 0;
    case Assertion.TextEnd:
      return (after & Trait.Edge) != 0;
    case Assertion.LineStart:
      return (before & (Trait.Edge | Trait.Newline)) != 0;
    case Assertion.LineEnd:
      return (after & (Trait.Edge | Trait.Newline)) != 0;
    case Assertion.WordBoundary:
      return (before & Trait.Word) != (after & Trait.Word);
    default:
      return (before & Trait.Word) == (after & Trait.Word);
  }
}

/** What assertions ask about a character, or about the end of the text that is in its place. */
export enum Trait {
  None = 0,
  Edge = 1,
  Newline = 2,
  Word = 4,
}
