// Which rules a request could match.

import { Caller } from "../authentication/caller";
import { Key, KeyKind, UNREADABLE, asksHost } from "./key";
import { KeyLookup } from "./key-lookup";
import { PostingHeap, Postings } from "../../common/postings";
import { RequestView } from "./request-view";
import { Rule } from "./rule";

/** A pattern is taken to be met as often as so many texts. */
const PATTERN_WEIGHT: i32 = 4;
/** A call of the host takes as long as it takes to look at about so many rules. */
const HOST_WEIGHT: i32 = 8;
/**
 * Finds the rules that a request could match, in their order. Each rule stands under the keys of one of its conditions: that
 * whose keys the fewest rules share. Rules without keys are candidates for every request. A request's own keys are looked up; what is
 * found is a superset of the rules that match, and each is then evaluated as if there were no index. What takes a call of the host is looked up
 * only when no candidate is left in front of the first rule that it could find.
 */
@final
export class CandidateIndex {
  private lookup: KeyLookup = new KeyLookup();
  private heap: PostingHeap = this.lookup.heap;
  /** The first rule that stands under keys whose looking up takes a call of the host. */
  private firstOfHost: i32 = Postings.END;
  /** Whether these keys are yet to be looked up. */
  private isDeferring: bool = false;

  constructor(rules: Rule[]) {
    const postings = new Postings();
    const counts = new Map<u64, i32>();
    const alternatives: Key[][][] = [];
    for (let i = 0; i < rules.length; ++i) {
      const ofRule = keysOf(rules[i]);
      alternatives.push(ofRule);
      for (let j = 0; j < ofRule.length; ++j) {
        for (let k = 0; k < ofRule[j].length; ++k) {
          const hash = ofRule[j][k].hash;
          counts.set(hash, (counts.has(hash) ? counts.get(hash) : 0) + 1);
        }
      }
    }
    for (let i = 0; i < rules.length; ++i) {
      const keys = this.cheapest(alternatives[i], counts, rules.length);
      if (keys === null) {
        postings.addAlways(i);
        continue;
      }
      for (let k = 0; k < keys.length; ++k) {
        postings.add(keys[k].hash, i);
        this.lookup.note(keys[k]);
        if (asksHost(keys[k].kind)) this.firstOfHost = min(this.firstOfHost, i);
      }
    }
    postings.finish();
    this.heap = new PostingHeap(postings);
    this.lookup.heap = this.heap;
    this.lookup.finish();
  }

  /** Looks a request up. */
  begin(request: RequestView, caller: Caller): void {
    this.heap.begin();
    this.lookup.find(request, caller);
    this.isDeferring = this.needsHost;
  }

  /** The next candidate, or -1. */
  next(request: RequestView): i32 {
    if (this.isDeferring && this.heap.coming >= this.firstOfHost) {
      this.isDeferring = false;
      this.lookup.findByHost(request);
    }
    return this.heap.next();
  }

  /** Whether some rules are found by what takes a call of the host. */
  get needsHost(): bool {
    return this.firstOfHost != Postings.END;
  }

  /** The next candidate without a call of the host, which can leave some out; or -1. */
  nextWithoutHost(): i32 {
    return this.heap.next();
  }

  /** The keys of the condition whose keys the fewest rules share; null when no condition has any. */
  private cheapest(alternatives: Key[][], counts: Map<u64, i32>, ruleCount: i32): Key[] | null {
    let best: Key[] | null = null;
    let least = i32.MAX_VALUE;
    for (let i = 0; i < alternatives.length; ++i) {
      let cost = alternatives[i].length > 0 && asksHost(alternatives[i][0].kind) ? HOST_WEIGHT : 0;
      for (let k = 0; k < alternatives[i].length && cost < least; ++k) {
        const key = alternatives[i][k];
        if (key.size == UNREADABLE) continue;
        const meetsAll = key.kind == KeyKind.PathPrefix && key.size == 0;
        cost += (meetsAll ? ruleCount : counts.get(key.hash)) * (key.kind == KeyKind.PathPattern ? PATTERN_WEIGHT : 1);
      }
      if (cost < least && this.lookup.take(alternatives[i])) {
        least = cost;
        best = alternatives[i];
      }
    }
    return best;
  }
}

/** The keys of each condition that has some. */
function keysOf(rule: Rule): Key[][] {
  const alternatives: Key[][] = [];
  for (let i = 0; i < rule.conditions.length; ++i) {
    const keys: Key[] = [];
    if (rule.conditions[i].addKeys(keys)) alternatives.push(keys);
  }
  return alternatives;
}
