// When each timer is due.

/** Something that is due at a time, in a `TimerQueue`. */
export abstract class Due {
  /** Nanoseconds of whatever clock the queue's owner reads. */
  dueAt: u64 = 0;
  /** Tells which of two with the same time is first. */
  order: u64 = 0;
  /** Position in the queue; -1 when it is in none. */
  index: i32 = -1;
}

/** What is due next, of any number: a binary heap in which each item knows its place. */
@final
export class TimerQueue {
  private heap: Due[] = [];
  private nextOrder: u64 = 0;

  get size(): i32 {
    return this.heap.length;
  }

  /** What is due first, or null. */
  get first(): Due | null {
    return this.heap.length ? this.heap[0] : null;
  }

  /** The order of the next item: those with a lower one are in the queue already. */
  get orders(): u64 {
    return this.nextOrder;
  }

  /** Puts an item in, which is in no queue. */
  add(item: Due, dueAt: u64): void {
    item.dueAt = dueAt;
    item.order = this.nextOrder++;
    item.index = this.heap.length;
    this.heap.push(item);
    this.rise(item);
  }

  /** Takes an item out. Nothing happens when it is not in this queue. */
  remove(item: Due): void {
    const index = item.index;
    if (<u32>index >= <u32>this.heap.length || this.heap[index] !== item) return;
    item.index = -1;
    const last = this.heap.pop();
    if (last === item) return;
    this.put(last, index);
    this.rise(last);
    this.sink(last);
  }

  private rise(item: Due): void {
    while (item.index > 0) {
      const above = this.heap[(item.index - 1) >> 1];
      if (isBefore(above, item)) return;
      this.swap(item, above);
    }
  }

  private sink(item: Due): void {
    const size = this.heap.length;
    for (let child = item.index * 2 + 1; child < size; child = item.index * 2 + 1) {
      let least = this.heap[child];
      if (child + 1 < size && isBefore(this.heap[child + 1], least)) least = this.heap[child + 1];
      if (isBefore(item, least)) return;
      this.swap(item, least);
    }
  }

  private swap(a: Due, b: Due): void {
    const index = a.index;
    this.put(a, b.index);
    this.put(b, index);
  }

  private put(item: Due, index: i32): void {
    this.heap[index] = item;
    item.index = index;
  }
}

/** The first time after `now` that is a whole number of periods after `dueAt`, which is not after `now`. */
export function nextTime(dueAt: u64, period: u64, now: u64): u64 {
  return dueAt + ((now - dueAt) / period + 1) * period;
}

function isBefore(a: Due, b: Due): bool {
  return a.dueAt < b.dueAt || (a.dueAt == b.dueAt && a.order < b.order);
}
