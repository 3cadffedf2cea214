// Many matches in an order: which of them a request fits, without going through all.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { KeySource, MatchKey } from "./match-keys";
import { PostingHeap, Postings } from "./postings";
import { RequestMatch } from "./request-match";

/** A call of the host takes as long as it takes to look at about so many matches. */
const HOST_WEIGHT: i32 = 8;

/**
 * Each match is listed under one text that it asks for: that which the fewest ask for. What is listed under the texts that a request has
 * is evaluated, and so is each match that asks for no text as a whole.
 */
@final
export class MatchList {
  private sources: KeySource[] = [];
  /** Null where going through all is as good. */
  private heap: PostingHeap | null = null;
  private at: i32 = 0;

  constructor(private matches: RequestMatch[]) {
    const keys: MatchKey[][] = [];
    const counts = new Map<u64, i32>();
    for (let i = 0; i < matches.length; ++i) {
      const own = matches[i].keys();
      keys.push(own);
      for (let k = 0; k < own.length; ++k) {
        const hash = own[k].hash;
        counts.set(hash, (counts.has(hash) ? counts.get(hash) : 0) + 1);
      }
    }
    const postings = new Postings();
    const sources = new Map<string, KeySource>();
    for (let i = 0; i < matches.length; ++i) {
      const key = cheapest(keys[i], counts, matches.length);
      if (key === null) {
        postings.addAlways(i);
        continue;
      }
      postings.add(key.hash, i);
      if (!sources.has(key.source.id)) sources.set(key.source.id, key.source);
      sources.get(key.source.id).note(key.size);
    }
    this.sources = sources.values();
    if (this.sources.length) {
      postings.finish();
      this.heap = new PostingHeap(postings);
    }
  }

  /** Reads an array of matches; empty when the field is left out. */
  static read(object: ConfigObject, field: string): MatchList {
    return new MatchList(RequestMatch.readAll(object, field));
  }

  /** The first match that the current request fits, or -1. */
  first(): i32 {
    if (!this.matches.length) return -1;
    this.begin();
    return this.next();
  }

  /** Looks the current request up. */
  begin(): void {
    this.at = 0;
    const heap = this.heap;
    if (heap === null) return;
    heap.begin();
    for (let i = 0; i < this.sources.length; ++i) unchecked(this.sources[i]).find(heap);
  }

  /** The next match that the request fits, in their order; -1 at the end. */
  next(): i32 {
    const heap = this.heap;
    if (heap === null) {
      while (this.at < this.matches.length) {
        const index = this.at++;
        if (unchecked(this.matches[index]).matches()) return index;
      }
      return -1;
    }
    for (let index = heap.next(); index >= 0; index = heap.next()) {
      if (unchecked(this.matches[index]).matches()) return index;
    }
    return -1;
  }
}

/** The key that the fewest matches share; null where it is no cheaper than to evaluate the match for each request. */
function cheapest(keys: MatchKey[], counts: Map<u64, i32>, matchCount: i32): MatchKey | null {
  let best: MatchKey | null = null;
  let least = matchCount;
  for (let i = 0; i < keys.length; ++i) {
    const cost = counts.get(keys[i].hash) + (keys[i].source.asksHost ? HOST_WEIGHT : 0);
    if (cost >= least) continue;
    least = cost;
    best = keys[i];
  }
  return best;
}
