import { Due, TimerQueue, nextTime } from "../timer-queue";

class Item extends Due {
  constructor(readonly name: i32) {
    super();
  }
}

function nameOf(item: Due | null): i32 {
  return item === null ? -1 : changetype<Item>(item).name;
}

/** Takes all out, first to last. */
function drain(queue: TimerQueue): string {
  const names: i32[] = [];
  let first = queue.first;
  while (first !== null) {
    names.push(nameOf(first));
    queue.remove(first);
    first = queue.first;
  }
  return names.join(" ");
}

describe("TimerQueue", () => {
  test("is in the order of time, and of coming where times are equal", () => {
    const queue = new TimerQueue();
    queue.add(new Item(1), 30);
    queue.add(new Item(2), 10);
    queue.add(new Item(3), 30);
    queue.add(new Item(4), u64.MAX_VALUE);
    queue.add(new Item(5), 0);
    expect(drain(queue)).toBe("5 2 1 3 4");
    expect(nameOf(queue.first)).toBe(-1);
  });

  test("takes no item out that it does not have", () => {
    const queue = new TimerQueue();
    const other = new TimerQueue();
    const item = new Item(1);
    queue.remove(item);
    other.add(new Item(2), 1);
    queue.add(item, 1);
    other.remove(item);
    expect(other.size).toBe(1);
    expect(queue.size).toBe(1);
    queue.remove(item);
    queue.remove(item);
    expect(queue.size).toBe(0);
  });

  test("agrees with a sorted list over many steps", () => {
    const queue = new TimerQueue();
    const model: Item[] = [];
    let state: u32 = 4242;
    for (let step = 0; step < 20_000; ++step) {
      state = state * 1664525 + 1013904223;
      if (state >> 31 || model.length == 0) {
        const item = new Item(step);
        queue.add(item, (state >> 8) % 50);
        model.push(item);
      } else {
        const index = <i32>((state >> 8) % <u32>model.length);
        queue.remove(model[index]);
        model.splice(index, 1);
      }
      let first: Item | null = null;
      for (let i = 0; i < model.length; ++i) {
        const item = model[i];
        // The model is in the order of coming.
        if (first === null || item.dueAt < first.dueAt) first = item;
      }
      if (nameOf(queue.first) != nameOf(first)) expect(step).toBe(-1, "another one is first");
    }
    expect(queue.size).toBe(model.length);
  });
});

describe("nextTime", () => {
  test("keeps to multiples of the period, and makes up for none that were missed", () => {
    expect(nextTime(100, 10, 100)).toBe(110);
    expect(nextTime(100, 10, 109)).toBe(110);
    expect(nextTime(100, 10, 110)).toBe(120);
    expect(nextTime(100, 10, 1234)).toBe(1240);
    expect(nextTime(0, 1, 0)).toBe(1);
  });
});
