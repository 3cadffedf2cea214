// What a request has of the keys that rules stand under.

import { Bytes, HeaderName, Query, RegexSet, percentDecode, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { maskHigh, maskLow } from "../../common/cidr";
import { Caller } from "../authentication/caller";
import { ClaimLookup } from "./claim-lookup";
import {
  HASH_START,
  Key,
  KeyKind,
  UNREADABLE,
  finishHash,
  hashAddress,
  hashByte,
  hashBytes,
  hashHeader,
  hashNumber,
  hashParameter,
  hashText,
  hashUnreadable,
} from "./key";
import { PostingHeap, Postings } from "../../common/postings";
import { issuerHash } from "./principal-match";
import { hasMalformedEscape } from "./query-match";
import { AddressView, RequestView } from "./request-view";

/** Stands in until the lists are there. */
// @ts-ignore: decorator
@lazy const NO_HEAP: PostingHeap = new PostingHeap(new Postings());

/** Finds the lists of a request's keys, of the kinds that there are. */
@final
export class KeyLookup {
  /** Where the lists that are found go. */
  heap: PostingHeap = NO_HEAP;
  /** Whether there are keys of a kind. */
  private uses: StaticArray<bool> = new StaticArray<bool>(<i32>KeyKind.PeerSubject + 1);
  /** Sizes that keys of a kind have, from the smallest on. */
  private starts: i32[] = [];
  private suffixes: i32[] = [];
  private sourceBits: i32[] = [];
  private peerBits: i32[] = [];
  private longestPrefix: i32 = 0;
  private headers: HeaderName[] = [];
  private parameters: Uint8Array[] = [];
  private claims: ClaimLookup = new ClaimLookup();
  private patterns: RegexSet = new RegexSet();
  private patternHashes: u64[] = [];
  private knownPatterns: Map<u64, bool> = new Map<u64, bool>();

  /** Makes room for the claims and patterns among some keys. False where there is none, so that they cannot be looked up. */
  take(keys: Key[]): bool {
    return this.claims.take(keys) && this.takePatterns(keys);
  }

  /** Looks keys such as this one up from now on. */
  note(key: Key): void {
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
        if (key.size != UNREADABLE) addOnce(this.sourceBits, key.size);
        break;
      case KeyKind.Peer:
        if (key.size != UNREADABLE) addOnce(this.peerBits, key.size);
        break;
      case KeyKind.Header:
        this.noteHeader(key.header);
        break;
      case KeyKind.Query:
        this.noteParameter(key.parameter);
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

  private noteParameter(name: Uint8Array | null): void {
    if (name === null) return;
    const bytes = Bytes.of(name);
    for (let i = 0; i < this.parameters.length; ++i) if (Bytes.of(this.parameters[i]).equals(bytes)) return;
    this.parameters.push(name);
  }

  /** No more keys come. */
  finish(): void {
    this.starts.sort((a, b) => a - b);
    this.suffixes.sort((a, b) => a - b);
    this.patterns.compile();
    this.knownPatterns.clear();
  }

  /** Looks up what takes no call of the host. */
  find(request: RequestView, caller: Caller): void {
    const uses = this.uses;
    if (uses[KeyKind.Method]) this.add(hashBytes(KeyKind.Method, request.method));
    const path = request.path;
    this.findPath(path.path);
    if (path.hasParameters) this.findPath(path.bare);
    if (uses[KeyKind.Host] || uses[KeyKind.HostBelow]) this.findHost(request.host);
    if (uses[KeyKind.Query]) this.findQuery(request.target);
    for (let i = 0; i < this.headers.length; ++i) this.findHeader(unchecked(this.headers[i]));
    this.findCaller(caller);
  }

  /** Looks up the rest. */
  findByHost(request: RequestView): void {
    const uses = this.uses;
    if (uses[KeyKind.Source]) this.findAddress(KeyKind.Source, request.sourceAddress(), this.sourceBits);
    if (uses[KeyKind.Peer]) this.findAddress(KeyKind.Peer, request.peerAddress(), this.peerBits);
    if (uses[KeyKind.Port]) this.findPort(request.port());
    if (uses[KeyKind.PeerUri]) this.findText(KeyKind.PeerUri, request.peerUri());
    if (uses[KeyKind.PeerDns]) this.findText(KeyKind.PeerDns, request.peerDns());
    if (uses[KeyKind.PeerSubject]) this.findText(KeyKind.PeerSubject, request.peerSubject());
  }

  /** Puts the patterns among some keys into the set. False when it is full. */
  private takePatterns(keys: Key[]): bool {
    for (let i = 0; i < keys.length; ++i) {
      const key = keys[i];
      if (key.kind != KeyKind.PathPattern || this.knownPatterns.has(key.hash)) continue;
      if (this.patterns.add(key.pattern, true) < 0) return false;
      this.knownPatterns.set(key.hash, true);
      this.patternHashes.push(key.hash);
    }
    return true;
  }

  // @ts-ignore: decorator
  @inline
  private add(hash: u64): void {
    this.heap.add(hash);
  }

  private findPath(path: Bytes): void {
    const uses = this.uses;
    if (uses[KeyKind.Path] || uses[KeyKind.PathPrefix] || uses[KeyKind.PathStart]) this.findFromStart(path);
    if (this.suffixes.length) this.findFromEnd(path);
    if (!uses[KeyKind.PathPattern]) return;
    for (let i = 0, count = this.patterns.scan(path); i < count; ++i) {
      this.add(unchecked(this.patternHashes[this.patterns.matchAt(i)]));
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
        this.add(finishHash(hash, KeyKind.PathPrefix));
      }
      if (start < starts.length && unchecked(starts[start]) == i) {
        this.add(finishHash(hash, KeyKind.PathStart));
        ++start;
      }
      if (!isEnd) hash = hashByte(hash, byte);
    }
    if (this.uses[KeyKind.Path]) this.add(finishHash(hash, KeyKind.Path));
  }

  private findFromEnd(path: Bytes): void {
    let hash = HASH_START;
    let size = 0;
    for (let i = 0; i < this.suffixes.length; ++i) {
      const wanted = unchecked(this.suffixes[i]);
      if (wanted > path.size) return;
      while (size < wanted) hash = hashByte(hash, load<u8>(path.pointer + path.size - ++size));
      this.add(finishHash(hash, KeyKind.PathSuffix));
    }
  }

  private findHost(host: Bytes): void {
    let hash = HASH_START;
    for (let i = host.size - 1; i >= 0; --i) {
      let byte = load<u8>(host.pointer + i);
      if (<u32>(byte - 0x41) < 26) byte |= 0x20;
      hash = hashByte(hash, byte);
      if (byte == 0x2e && i > 0) this.add(finishHash(hash, KeyKind.HostBelow));
    }
    this.add(finishHash(hash, KeyKind.Host));
  }

  private findAddress(kind: KeyKind, address: AddressView, bits: i32[]): void {
    if (!address.isGood) {
      this.add(hashUnreadable(kind));
      return;
    }
    for (let i = 0; i < bits.length; ++i) {
      const length = unchecked(bits[i]);
      this.add(hashAddress(kind, address.high & maskHigh(length), address.low & maskLow(length), length));
    }
  }

  private findPort(port: i64): void {
    this.add(port < 0 ? hashUnreadable(KeyKind.Port) : hashNumber(KeyKind.Port, port));
  }

  private findText(kind: KeyKind, text: Bytes | null): void {
    if (text !== null) this.add(hashBytes(kind, text));
  }

  private findQuery(target: Bytes): void {
    const query = Query.ofTarget(target);
    if (hasMalformedEscape(query)) {
      this.add(hashUnreadable(KeyKind.Query));
      return;
    }
    for (let i = 0; i < this.parameters.length; ++i) {
      const name = Bytes.of(unchecked(this.parameters[i]));
      for (let value = query.find(name); value !== null; value = query.findNext(name)) {
        this.add(hashParameter(name, percentDecode(value, true)));
      }
    }
  }

  private findHeader(header: HeaderName): void {
    for (let i = requestHeaders.indexOfName(header); i >= 0; i = requestHeaders.indexOfName(header, i + 1)) {
      const line = requestHeaders.valueAt(i);
      this.add(hashHeader(header, line));
      let start = 0;
      while (start <= line.size) {
        const comma = line.indexOf(0x2c, start);
        const end = comma < 0 ? line.size : comma;
        const value = line.slice(start, end).trim();
        if (value.size != line.size) this.add(hashHeader(header, value));
        start = end + 1;
      }
    }
  }

  private findCaller(caller: Caller): void {
    const uses = this.uses;
    const apiKey = caller.apiKey;
    if (apiKey !== null && uses[KeyKind.ApiKey]) this.add(hashText(KeyKind.ApiKey, apiKey.name));
    const user = caller.user;
    if (user !== null && uses[KeyKind.User]) this.add(hashText(KeyKind.User, user.name));
    for (let i = 0; i < caller.identities.length; ++i) {
      const identity = unchecked(caller.identities[i]);
      const provider = identity.provider;
      if (uses[KeyKind.Provider]) this.add(hashText(KeyKind.Provider, provider.name));
      if (uses[KeyKind.Issuer]) {
        this.add(issuerHash(provider.issuer, null));
        this.add(issuerHash(provider.issuer, identity.subject));
      }
      this.claims.find(identity.claims, this.heap);
    }
  }
}

function addOnce(list: i32[], value: i32): void {
  if (!list.includes(value)) list.push(value);
}
