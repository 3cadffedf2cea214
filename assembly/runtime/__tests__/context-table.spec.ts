import { HttpContext, RootContext } from "../../context";
import { ContextTable } from "../context-table";

class Numbered extends HttpContext {
  constructor(public number: u32) {
    super();
  }
}

class Root extends RootContext {}

const root = new Root();

function tableOf(): ContextTable<Numbered> {
  return new ContextTable<Numbered>();
}

/** The number of an id's context; -1 for an id that is not there, -2 for one whose root is not its own. */
function numberAt(table: ContextTable<Numbered>, id: u32): i32 {
  const slot = table.find(id);
  if (slot < 0) return -1;
  if (table.rootAt(slot) !== root) return -2;
  const stream = table.contextAt(slot);
  return stream === null ? -3 : <i32>stream.number;
}

describe("ContextTable", () => {
  test("keeps, replaces and forgets", () => {
    const table = tableOf();
    expect(numberAt(table, 1)).toBe(-1);
    table.set(1, root, new Numbered(10));
    table.set(65, root, new Numbered(20));
    table.set(1, root, new Numbered(30));
    expect(table.size).toBe(2);
    expect(numberAt(table, 1)).toBe(30);
    expect(numberAt(table, 65)).toBe(20);
    table.delete(1);
    table.delete(1);
    table.delete(7);
    expect(table.size).toBe(1);
    expect(numberAt(table, 1)).toBe(-1);
    expect(numberAt(table, 65)).toBe(20);
  });

  test("has entries without a context, and none for 0", () => {
    const table = tableOf();
    table.set(5, root, null);
    expect(numberAt(table, 5)).toBe(-3);
    expect(table.find(0)).toBe(-1);
    table.delete(0);
    expect(table.size).toBe(1);
  });

  test("agrees with a map over many steps, with ids that collide", () => {
    const table = tableOf();
    const model = new Map<u32, u32>();
    let state: u32 = 12345;
    for (let step: u32 = 0; step < 20_000; ++step) {
      state = state * 1664525 + 1013904223;
      // Few slots, many multiples of the table's size, and now and then the top of the range.
      let id: u32 = 1 + ((state >> 8) % 7) * 64 + ((state >> 20) % 9);
      if ((state & 63) == 0) id = u32.MAX_VALUE - ((state >> 10) % 3);
      if (state >> 30 == 0 || model.size > 300) {
        table.delete(id);
        model.delete(id);
      } else {
        table.set(id, root, new Numbered(step));
        model.set(id, step);
      }
      if (table.size != <u32>model.size) expect(step).toBe(u32.MAX_VALUE, "sizes differ");
      const expected = model.has(id) ? <i32>model.get(id) : -1;
      if (numberAt(table, id) != expected) expect(step).toBe(u32.MAX_VALUE, "entries differ");
    }
    const ids = model.keys();
    for (let i = 0; i < ids.length; ++i) expect(numberAt(table, ids[i])).toBe(<i32>model.get(ids[i]));
  });

  test("grows", () => {
    const table = tableOf();
    for (let id: u32 = 1; id <= 5000; ++id) table.set(id, root, new Numbered(id * 3));
    expect(table.size).toBe(5000);
    for (let id: u32 = 1; id <= 5000; ++id) {
      if (numberAt(table, id) != <i32>(id * 3)) expect(id).toBe(0, "is lost");
    }
    for (let id: u32 = 1; id <= 5000; ++id) table.delete(id);
    expect(table.size).toBe(0);
  });
});
