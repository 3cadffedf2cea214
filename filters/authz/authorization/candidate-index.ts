// Which rules a request could match.

import { Bytes, HeaderName, RegexSet, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { maskHigh, maskLow } from "../../common/cidr";
import { Caller } from "../authentication/caller";
import { ClaimLookup } from "./claim-lookup";
import { HASH_START, Key, KeyKind, NO_ADDRESS, finishHash, hashAddress, hashByte, hashHeader, hashText } from "./key";
import { PostingHeap, Postings } from "./postings";
import { issuerHash } from "./principal-match";
import { AddressView, RequestView } from "./request-view";
import { Rule } from "./rule";

/** A pattern is taken to be met as often as so many texts. */
const PATTERN_WEIGHT: i32 = 4;
/** Stands in until the lists are there. */
// @ts-ignore: decorator
@lazy const NO_HEAP: PostingHeap = new PostingHeap(new Postings());

/**
 * Finds the rules that a request could match, in their order. Each rule stands under the keys of one of its conditions: that
 * whose keys the fewest rules share. Rules without keys are candidates for every request. A request's own keys are looked up; what is
 * found is a superset of the rules that match, and each is then evaluated as if there were no index.
 */
@final
export class CandidateIndex {
  private postings: Postings = new Postings();
  private heap: PostingHeap = NO_HEAP;
  /** Whether there are keys of a kind. */
  private uses: StaticArray<bool> = new StaticArray<bool>(<i32>KeyKind.Peer + 1);
  /** Sizes that keys of a kind have, from the smallest on. */
  private starts: i32[] = [];
  private suffixes: i32[] = [];
  private sourceBits: i32[] = [];
  private peerBits: i32[] = [];
  private longestPrefix: i32 = 0;
  private headers: HeaderName[] = [];
  private claims: ClaimLookup = new ClaimLookup();
  private patterns: RegexSet = new RegexSet();
  private patternHashes: u64[] = [];

  constructor(rules: Rule[]) {
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
    const patterns = new Map<u64, bool>();
    for (let i = 0; i < rules.length; ++i) {
      const keys = this.cheapest(alternatives[i], counts, patterns, rules.length);
      if (keys === null) {
        this.postings.addAlways(i);
        continue;
      }
      for (let k = 0; k < keys.length; ++k) {
        this.postings.add(keys[k].hash, i);
        this.note(keys[k]);
      }
    }
    this.starts.sort((a, b) => a - b);
    this.suffixes.sort((a, b) => a - b);
    this.patterns.compile();
    this.postings.finish();
    this.heap = new PostingHeap(this.postings);
  }

  /** Looks a request up. */
  begin(request: RequestView, caller: Caller): void {
    this.heap.begin();
    const uses = this.uses;
    if (uses[KeyKind.Method]) this.find(methodHash(request.method));
    const path = request.path;
    this.findPath(path.path);
    if (path.hasParameters) this.findPath(path.bare);
    if (uses[KeyKind.Host] || uses[KeyKind.HostBelow]) this.findHost(request.host);
    if (uses[KeyKind.Source]) this.findAddress(KeyKind.Source, request.sourceAddress(), this.sourceBits);
    if (uses[KeyKind.Peer]) this.findAddress(KeyKind.Peer, request.peerAddress(), this.peerBits);
    for (let i = 0; i < this.headers.length; ++i) this.findHeader(unchecked(this.headers[i]));
    this.findCaller(caller);
  }

  /** The next candidate, or -1. */
  next(): i32 {
    return this.heap.next();
  }

  /** The keys of the condition whose keys the fewest rules share; null when no condition has any. */
  private cheapest(
    alternatives: Key[][],
    counts: Map<u64, i32>,
    patterns: Map<u64, bool>,
    ruleCount: i32,
  ): Key[] | null {
    let best: Key[] | null = null;
    let least = i32.MAX_VALUE;
    for (let i = 0; i < alternatives.length; ++i) {
      let cost = 0;
      for (let k = 0; k < alternatives[i].length && cost < least; ++k) {
        const key = alternatives[i][k];
        if (key.size == NO_ADDRESS) continue;
        const meetsAll = key.kind == KeyKind.PathPrefix && key.size == 0;
        cost += (meetsAll ? ruleCount : counts.get(key.hash)) * (key.kind == KeyKind.PathPattern ? PATTERN_WEIGHT : 1);
      }
      if (cost < least && this.claims.take(alternatives[i]) && this.takePatterns(alternatives[i], patterns)) {
        least = cost;
        best = alternatives[i];
      }
    }
    return best;
  }

  /** Puts the patterns among some keys into the set. False when it is full. */
  private takePatterns(keys: Key[], known: Map<u64, bool>): bool {
    for (let i = 0; i < keys.length; ++i) {
      const key = keys[i];
      if (key.kind != KeyKind.PathPattern || known.has(key.hash)) continue;
      if (this.patterns.add(key.pattern, true) < 0) return false;
      known.set(key.hash, true);
      this.patternHashes.push(key.hash);
    }
    return true;
  }

  private note(key: Key): void {
    this.uses[key.kind] = true;
    switch (key.kind) {
      case KeyKind.PathPrefix:
        this.longestPrefix = max(this.longestPrefix, key.size);
        break;
      case KeyKind.PathStart:
        addOnce(this.starts, key.size);
        break;
      case KeyKind.PathSuffix:
        addOnce(this.suffixes, key.size);
        break;
      case KeyKind.Source:
        if (key.size != NO_ADDRESS) addOnce(this.sourceBits, key.size);
        break;
      case KeyKind.Peer:
        if (key.size != NO_ADDRESS) addOnce(this.peerBits, key.size);
        break;
      case KeyKind.Header:
        this.noteHeader(key.header);
        break;
      default:
        break;
    }
  }

  private noteHeader(header: HeaderName | null): void {
    if (header === null) return;
    for (let i = 0; i < this.headers.length; ++i) if (this.headers[i].name == header.name) return;
    this.headers.push(header);
  }

  // @ts-ignore: decorator
  @inline
  private find(hash: u64): void {
    this.heap.add(hash);
  }

  private findPath(path: Bytes): void {
    const uses = this.uses;
    if (uses[KeyKind.Path] || uses[KeyKind.PathPrefix] || uses[KeyKind.PathStart]) this.findFromStart(path);
    if (this.suffixes.length) this.findFromEnd(path);
    if (!uses[KeyKind.PathPattern]) return;
    for (let i = 0, count = this.patterns.scan(path); i < count; ++i) {
      this.find(unchecked(this.patternHashes[this.patterns.matchAt(i)]));
    }
  }

  private findFromStart(path: Bytes): void {
    const prefixes = this.uses[KeyKind.PathPrefix];
    const starts = this.starts;
    let start = 0;
    let hash = HASH_START;
    for (let i = 0; i <= path.size; ++i) {
      const isEnd = i == path.size;
      const byte = isEnd ? 0 : load<u8>(path.pointer + i);
      if (prefixes && (isEnd || byte == 0x2f) && i <= this.longestPrefix) {
        this.find(finishHash(hash, KeyKind.PathPrefix));
      }
      if (start < starts.length && unchecked(starts[start]) == i) {
        this.find(finishHash(hash, KeyKind.PathStart));
        ++start;
      }
      if (!isEnd) hash = hashByte(hash, byte);
    }
    if (this.uses[KeyKind.Path]) this.find(finishHash(hash, KeyKind.Path));
  }

  private findFromEnd(path: Bytes): void {
    let hash = HASH_START;
    let size = 0;
    for (let i = 0; i < this.suffixes.length; ++i) {
      const wanted = unchecked(this.suffixes[i]);
      if (wanted > path.size) return;
      while (size < wanted) hash = hashByte(hash, load<u8>(path.pointer + path.size - ++size));
      this.find(finishHash(hash, KeyKind.PathSuffix));
    }
  }

  private findHost(host: Bytes): void {
    let hash = HASH_START;
    for (let i = host.size - 1; i >= 0; --i) {
      let byte = load<u8>(host.pointer + i);
      if (<u32>(byte - 0x41) < 26) byte |= 0x20;
      hash = hashByte(hash, byte);
      if (byte == 0x2e && i > 0) this.find(finishHash(hash, KeyKind.HostBelow));
    }
    this.find(finishHash(hash, KeyKind.Host));
  }

  private findAddress(kind: KeyKind, address: AddressView, bits: i32[]): void {
    if (!address.isGood) {
      this.find(hashAddress(kind, 0, 0, NO_ADDRESS));
      return;
    }
    for (let i = 0; i < bits.length; ++i) {
      const length = unchecked(bits[i]);
      this.find(hashAddress(kind, address.high & maskHigh(length), address.low & maskLow(length), length));
    }
  }

  private findHeader(header: HeaderName): void {
    for (let i = requestHeaders.indexOfName(header); i >= 0; i = requestHeaders.indexOfName(header, i + 1)) {
      const line = requestHeaders.valueAt(i);
      this.find(hashHeader(header, line));
      let start = 0;
      while (start <= line.size) {
        const comma = line.indexOf(0x2c, start);
        const end = comma < 0 ? line.size : comma;
        const value = line.slice(start, end).trim();
        if (value.size != line.size) this.find(hashHeader(header, value));
        start = end + 1;
      }
    }
  }

  private findCaller(caller: Caller): void {
    const uses = this.uses;
    const apiKey = caller.apiKey;
    if (apiKey !== null && uses[KeyKind.ApiKey]) this.find(hashText(KeyKind.ApiKey, apiKey.name));
    const user = caller.user;
    if (user !== null && uses[KeyKind.User]) this.find(hashText(KeyKind.User, user.name));
    for (let i = 0; i < caller.identities.length; ++i) {
      const identity = unchecked(caller.identities[i]);
      const provider = identity.provider;
      if (uses[KeyKind.Provider]) this.find(hashText(KeyKind.Provider, provider.name));
      if (uses[KeyKind.Issuer]) {
        this.find(issuerHash(provider.issuer, null));
        this.find(issuerHash(provider.issuer, identity.subject));
      }
      this.claims.find(identity.claims, this.heap);
    }
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

function methodHash(method: Bytes): u64 {
  let hash = HASH_START;
  for (let i = 0; i < method.size; ++i) hash = hashByte(hash, load<u8>(method.pointer + i));
  return finishHash(hash, KeyKind.Method);
}

function addOnce(list: i32[], value: i32): void {
  if (!list.includes(value)) list.push(value);
}
