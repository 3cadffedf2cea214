import { Scope, setCurrentContext } from "../../runtime/scope";
import { Pending, PendingTable } from "../pending";

class Handler {
  constructor(readonly number: u32) {}
}

function add(table: PendingTable<Handler>, context: u32, token: u32): void {
  setCurrentContext(context);
  table.add(token, new Handler(token), Scope.current());
}

/** The tokens of a chain, in ascending order. */
function tokensOf(first: Pending<Handler> | null): string {
  const tokens: u32[] = [];
  let pending = first;
  while (pending !== null) {
    tokens.push(pending.token);
    pending = pending.next;
  }
  return tokens.sort().join(" ");
}

function numberOf(pending: Pending<Handler> | null): i32 {
  return pending === null ? -1 : <i32>pending.handler.number;
}

describe("PendingTable", () => {
  test("gives each once", () => {
    const table = new PendingTable<Handler>();
    add(table, 7, 4);
    add(table, 7, 0);
    expect(numberOf(table.get(4))).toBe(4);
    expect(numberOf(table.take(4))).toBe(4);
    expect(numberOf(table.take(4))).toBe(-1);
    expect(numberOf(table.take(0))).toBe(0);
    expect(table.size).toBe(0);
  });

  test("forgets a context", () => {
    const table = new PendingTable<Handler>();
    add(table, 1, 4);
    add(table, 1, 8);
    add(table, 2, 12);
    add(table, 1, 16);
    table.take(8);
    expect(tokensOf(table.takeContext(1))).toBe("4 16");
    expect(tokensOf(table.takeContext(1))).toBe("");
    expect(numberOf(table.take(4))).toBe(-1);
    expect(numberOf(table.take(12))).toBe(12);
    expect(table.size).toBe(0);
  });

  test("a token that the host gives again is the new one's", () => {
    const table = new PendingTable<Handler>();
    add(table, 1, 4);
    add(table, 2, 4);
    expect(table.size).toBe(1);
    expect(tokensOf(table.takeContext(1))).toBe("");
    expect(tokensOf(table.takeContext(2))).toBe("4");
  });

  test("agrees with a map over many steps", () => {
    const table = new PendingTable<Handler>();
    const contextOf = new Map<u32, u32>();
    let state: u32 = 777;
    for (let step = 0; step < 20_000; ++step) {
      state = state * 1664525 + 1013904223;
      const token = (state >> 8) % 61;
      const context = (state >> 16) % 7;
      const kind = state >> 29;
      if (kind < 5) {
        add(table, context, token);
        contextOf.set(token, context);
      } else if (kind < 7) {
        const expected = contextOf.has(token) ? <i32>token : -1;
        if (numberOf(table.take(token)) != expected) expect(step).toBe(-1, "another one is taken");
        contextOf.delete(token);
      } else {
        const expected: u32[] = [];
        const tokens = contextOf.keys();
        for (let i = 0; i < tokens.length; ++i) {
          if (contextOf.get(tokens[i]) != context) continue;
          expected.push(tokens[i]);
          contextOf.delete(tokens[i]);
        }
        const found = tokensOf(table.takeContext(context));
        if (found != expected.sort().join(" ")) expect(step).toBe(-1, "others are taken with the context");
      }
      if (table.size != contextOf.size) expect(step).toBe(-1, "sizes differ");
    }
    expect(table.size).toBe(contextOf.size);
  });
});
