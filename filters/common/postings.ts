// Lists of rules by key, and their union in order.

/** For each key the rules under it, in their order. */
@final
export class Postings {
  /** Ends each list. */
  static readonly END: i32 = i32.MAX_VALUE;
  /** Keys, in a table with open addresses; 0 where there is none. */
  hashes: StaticArray<u64> = new StaticArray<u64>(0);
  /** Where in `rules` the list of each key begins. */
  starts: StaticArray<i32> = new StaticArray<i32>(0);
  rules: StaticArray<i32> = new StaticArray<i32>(0);
  /** Number of lists. */
  lists: i32 = 0;
  private keys: Map<u64, i32> = new Map<u64, i32>();
  private byKey: i32[][] = [];
  private always: i32[] = [];

  /** Rules must come in their order. */
  add(hash: u64, rule: i32): void {
    if (!this.keys.has(hash)) {
      this.keys.set(hash, this.byKey.length);
      this.byKey.push([]);
    }
    this.byKey[this.keys.get(hash)].push(rule);
  }

  /** Adds a rule that has no key. */
  addAlways(rule: i32): void {
    this.always.push(rule);
  }

  finish(): void {
    const hashes = this.keys.keys();
    this.lists = hashes.length + 1;
    let slots = 16;
    while (slots < hashes.length * 2) slots <<= 1;
    this.hashes = new StaticArray<u64>(slots);
    this.starts = new StaticArray<i32>(slots);
    const rules: i32[] = [];
    append(rules, this.always);
    for (let i = 0; i < hashes.length; ++i) {
      let slot = (<i32>hashes[i]) & (slots - 1);
      while (this.hashes[slot]) slot = (slot + 1) & (slots - 1);
      this.hashes[slot] = hashes[i];
      this.starts[slot] = rules.length;
      append(rules, this.byKey[this.keys.get(hashes[i])]);
    }
    this.rules = StaticArray.fromArray<i32>(rules);
    this.keys.clear();
    this.byKey = [];
    this.always = [];
  }

  /** The slot of a key, or -1. */
  slotOf(hash: u64): i32 {
    const mask = this.hashes.length - 1;
    let slot = (<i32>hash) & mask;
    while (true) {
      const found = unchecked(this.hashes[slot]);
      if (found == hash) return slot;
      if (!found) return -1;
      slot = (slot + 1) & mask;
    }
  }
}

/** Goes through several lists at once, from the first rule to the last: a heap by the next rule of each. */
@final
export class PostingHeap {
  /** Rule in the upper half, its place in `rules` in the lower. */
  private heap: StaticArray<u64>;
  private size: i32 = 0;
  private last: i32 = -1;
  /** In which request a list was added, so that none is added twice. */
  private seen: StaticArray<u32>;
  private request: u32 = 0;

  constructor(private postings: Postings) {
    this.heap = new StaticArray<u64>(postings.lists + 1);
    this.seen = new StaticArray<u32>(postings.hashes.length);
  }

  /** Begins with the rules that have no key. */
  begin(): void {
    this.size = 0;
    this.last = -1;
    if (++this.request == 0) {
      this.seen.fill(0);
      this.request = 1;
    }
    this.push(0);
  }

  /** Adds the rules under a key, of which `next` gives those behind the last that it gave. */
  add(hash: u64): void {
    const slot = this.postings.slotOf(hash);
    if (slot < 0 || unchecked(this.seen[slot]) == this.request) return;
    unchecked((this.seen[slot] = this.request));
    this.push(unchecked(this.postings.starts[slot]));
  }

  /** The next rule, each once; -1 at the end. */
  next(): i32 {
    const rule = this.coming;
    if (rule == Postings.END) return -1;
    this.last = rule;
    return rule;
  }

  /** What `next` would give; `Postings.END` at the end. */
  get coming(): i32 {
    while (this.size > 0) {
      const top = unchecked(this.heap[0]);
      const rule = <i32>(top >> 32);
      if (rule > this.last) return rule;
      const place = <i32>top + 1;
      const following = unchecked(this.postings.rules[place]);
      if (following == Postings.END) this.sink(unchecked(this.heap[--this.size]));
      else this.sink(((<u64>following) << 32) | (<u64>place));
    }
    return Postings.END;
  }

  private push(place: i32): void {
    const rule = unchecked(this.postings.rules[place]);
    if (rule == Postings.END) return;
    const item = ((<u64>rule) << 32) | (<u64>place);
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (unchecked(this.heap[parent]) <= item) break;
      unchecked((this.heap[at] = unchecked(this.heap[parent])));
      at = parent;
    }
    unchecked((this.heap[at] = item));
  }

  /** Puts an item in the place of the first. */
  private sink(item: u64): void {
    const heap = this.heap;
    const size = this.size;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && unchecked(heap[child + 1]) < unchecked(heap[child])) ++child;
      if (unchecked(heap[child]) >= item) break;
      unchecked((heap[at] = unchecked(heap[child])));
      at = child;
    }
    unchecked((heap[at] = item));
  }
}

function append(rules: i32[], list: i32[]): void {
  for (let i = 0; i < list.length; ++i) rules.push(list[i]);
  rules.push(Postings.END);
}
