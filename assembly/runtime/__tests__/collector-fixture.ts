// A filter that makes garbage and keeps some of it, to be run under the SDK's own collector.

import {
  Bytes,
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  registerRootContext,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";

class Node {
  next: Node | null = null;
  other: Node | null = null;
  label: string = "";
  values: i32[] = [];
}

const KEPT: i32 = 64;

/** Chains of nodes that stay for a while, each with a number that all of its parts agree on. */
const kept: (Node | null)[] = new Array<Node | null>(KEPT);
const byLabel: Map<string, Node> = new Map<string, Node>();
/** Reached by a pin only. */
let pinned: usize = 0;
let round: i32 = 0;

function chain(number: i32): Node {
  const first = new Node();
  let node = first;
  for (let i = 0; i < 20; ++i) {
    node.label = `${number}:${i}`;
    for (let j = 0; j < i; ++j) node.values.push(number);
    node.next = new Node();
    node.other = first;
    node = node.next!;
  }
  return first;
}

function isWhole(first: Node, number: i32): bool {
  let node = first;
  for (let i = 0; i < 20; ++i) {
    if (node.label != `${number}:${i}` || node.values.length != i || node.other !== first) return false;
    for (let j = 0; j < i; ++j) {
      if (node.values[j] != number) return false;
    }
    node = node.next!;
  }
  return node.next === null;
}

class Stream extends HttpContext {
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    ++round;
    for (let i = 0; i < 8; ++i) chain(-1);
    const slot = (round * 7) % KEPT;
    const old = kept[slot];
    if (old !== null) byLabel.delete(old.label);
    const first = chain(round);
    kept[slot] = first;
    byLabel.set(first.label, first);
    if (pinned) __unpin(pinned);
    pinned = __pin(changetype<usize>(chain(round)));

    let whole = isWhole(changetype<Node>(pinned), round);
    for (let i = 0; i < KEPT; ++i) {
      const node = kept[i];
      if (node === null) continue;
      const number = I32.parseInt(node.label);
      whole = whole && isWhole(node, number) && byLabel.has(node.label) && byLabel.get(node.label) === node;
    }
    sendLocalResponse(whole ? 200 : 500, `${memory.size()}`);
    return FilterHeadersStatus.StopIteration;
  }
}

class Root extends RootContext {
  onConfigure(configuration: Bytes): bool {
    this.sharedHttpContext = new Stream();
    return true;
  }
}

registerRootContext("collector", () => new Root());
