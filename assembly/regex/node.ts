// What a pattern says, as a tree.

import { CharClass } from "./char-class";

export enum NodeKind {
  /** Nothing, which always matches. */
  Empty,
  /** One character out of a class. */
  Class,
  /** An assertion about a place. */
  Assert,
  /** Children in a row. */
  Concat,
  /** One of the children. */
  Alternate,
  /** The child, several times. */
  Repeat,
}

export enum Assertion {
  TextStart,
  TextEnd,
  LineStart,
  LineEnd,
  WordBoundary,
  NoWordBoundary,
}


@final
export class Node {
  children: Node[] = [];
  class: CharClass | null = null;
  assertion: Assertion = Assertion.TextStart;
  min: i32 = 0;
  /** -1 for no limit. */
  max: i32 = 0;

  constructor(readonly kind: NodeKind) {}

  static ofClass(chars: CharClass): Node {
    const node = new Node(NodeKind.Class);
    node.class = chars.normalize();
    return node;
  }

  static ofAssertion(assertion: Assertion): Node {
    const node = new Node(NodeKind.Assert);
    node.assertion = assertion;
    return node;
  }

  /** The children as one node of a kind, or the only one by itself. */
  static of(kind: NodeKind, children: Node[]): Node {
    if (children.length == 0) return new Node(NodeKind.Empty);
    if (children.length == 1) return children[0];
    const node = new Node(kind);
    node.children = children;
    return node;
  }

  static repeat(child: Node, min: i32, max: i32): Node {
    const node = new Node(NodeKind.Repeat);
    node.children.push(child);
    node.min = min;
    node.max = max;
    return node;
  }
}
