// What rules are found by.

import { Bytes, HeaderName } from "proxy-wasm-assemblyscript-sdk";
import { ClaimPath } from "../authentication/claims";

export enum KeyKind {
  Method,
  Host,
  /** A domain with its dot in front, of a host below it. */
  HostBelow,
  Path,
  PathPrefix,
  PathStart,
  PathSuffix,
  PathPattern,
  Header,
  ApiKey,
  User,
  Issuer,
  Provider,
  Claim,
  Query,
  // From here on, to look one up takes a call of the host.
  Source,
  Peer,
  Port,
  PeerUri,
  PeerDns,
  PeerSubject,
}

/** Whether to look keys of a kind up takes a call of the host. */
// @ts-ignore: decorator
@inline
export function asksHost(kind: KeyKind): bool {
  return kind >= KeyKind.Source;
}

// FNV-1a. That of a prefix is on the way to that of the whole, so one pass over a path gives both.
// @ts-ignore: decorator
@inline export const HASH_START: u64 = 0xcbf29ce484222325;
// @ts-ignore: decorator
@inline const FNV_PRIME: u64 = 0x100000001b3;

// @ts-ignore: decorator
@inline
export function hashByte(hash: u64, byte: u64): u64 {
  return (hash ^ byte) * FNV_PRIME;
}

/** In place of the bits of a range, or of a size: for what cannot be read, an address, a port or a query. */
export const UNREADABLE: i32 = -1;

/** Something that a request can have, as a number of 64 bits. Two things with one number cost time, and nothing else. */
@final
export class Key {
  header: HeaderName | null = null;
  pattern: string = "";
  claim: ClaimPath | null = null;
  /** The name of a parameter of the query. */
  parameter: Uint8Array | null = null;

  constructor(
    readonly kind: KeyKind,
    /** As `finishHash` gives it; of a pattern 0 until it has a number. */
    readonly hash: u64,
    /** Bytes of a part of a path, or bits of a range of addresses. */
    readonly size: i32 = 0,
  ) {}

  static ofPattern(pattern: string): Key {
    const key = new Key(KeyKind.PathPattern, hashText(KeyKind.PathPattern, pattern));
    key.pattern = pattern;
    return key;
  }

  /** Of a claim that is a text, or has it as an item or a word. */
  static ofClaim(claim: ClaimPath, text: string): Key {
    const key = new Key(KeyKind.Claim, hashClaim(hashText(KeyKind.Claim, claim.id), text));
    key.claim = claim;
    return key;
  }

  /** Of a parameter of the query, decoded. */
  static ofParameter(name: Uint8Array, value: Bytes): Key {
    const key = new Key(KeyKind.Query, hashParameter(Bytes.of(name), value));
    key.parameter = name;
    return key;
  }

  /** By this one a rule is found where a part of a request cannot be read, and everything about it is in doubt. */
  static ofUnreadable(kind: KeyKind): Key {
    return new Key(kind, hashUnreadable(kind), UNREADABLE);
  }

  static ofHeader(header: HeaderName, value: Bytes): Key {
    const key = new Key(KeyKind.Header, hashHeader(header, value));
    key.header = header;
    return key;
  }
}

export function finishHash(hash: u64, kind: KeyKind): u64 {
  hash ^= <u64>(<i32>kind + 1) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash ^= hash >> 31;
  // 0 marks an empty slot.
  return hash | u64(hash == 0);
}

export function hashBytes(kind: KeyKind, bytes: Bytes, seed: u64 = HASH_START): u64 {
  let hash = seed;
  for (let i = 0; i < bytes.size; ++i) hash = hashByte(hash, load<u8>(bytes.pointer + i));
  return finishHash(hash, kind);
}

/** Of bytes from the last to the first. */
export function hashBackwards(kind: KeyKind, bytes: Bytes): u64 {
  let hash = HASH_START;
  for (let i = bytes.size - 1; i >= 0; --i) hash = hashByte(hash, load<u8>(bytes.pointer + i));
  return finishHash(hash, kind);
}

export function hashText(kind: KeyKind, text: string): u64 {
  let hash = HASH_START;
  for (let i = 0; i < text.length; ++i) hash = hashByte(hash, text.charCodeAt(i));
  return finishHash(hash, kind);
}

export function hashHeader(header: HeaderName, value: Bytes): u64 {
  return hashNamed(KeyKind.Header, Bytes.at(header.pointer, header.size), value);
}

export function hashParameter(name: Bytes, value: Bytes): u64 {
  return hashNamed(KeyKind.Query, name, value);
}

function hashNamed(kind: KeyKind, name: Bytes, value: Bytes): u64 {
  let seed = HASH_START;
  for (let i = 0; i < name.size; ++i) seed = hashByte(seed, load<u8>(name.pointer + i));
  return hashBytes(kind, value, hashByte(seed, 0));
}

export function hashNumber(kind: KeyKind, value: i64): u64 {
  return finishHash(hashByte(HASH_START, value), kind);
}

export function hashUnreadable(kind: KeyKind): u64 {
  return hashAddress(kind, 0, 0, UNREADABLE);
}

/** @param claim `hashText` of its id. */
export function hashClaim(claim: u64, text: string, start: i32 = 0, end: i32 = text.length): u64 {
  let hash = claim;
  for (let i = start; i < end; ++i) hash = hashByte(hash, text.charCodeAt(i));
  return finishHash(hash, KeyKind.Claim);
}

export function hashAddress(kind: KeyKind, high: u64, low: u64, bits: i32): u64 {
  return finishHash(hashByte(hashByte(hashByte(HASH_START, high), low), bits), kind);
}
