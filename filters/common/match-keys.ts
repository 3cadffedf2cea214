// The texts that a request must have for a match to hold, so that matches can be looked up by what a request has.

import { Bytes, HeaderName, hash64, requestCookie, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { PostingHeap } from "./postings";
import { requestPath } from "./request";
import { RequestValue } from "./values/request-value";

/** A place of a request that a text can be in. */
export abstract class KeySource {
  private seed: u64;

  constructor(
    /** One for each different place. */
    readonly id: string,
    /** Whether looking there takes a call of the host. */
    readonly asksHost: bool = false,
  ) {
    this.seed = hash64(Bytes.utf8(id));
  }

  /** Adds to the heap what is listed under the texts that the current request has there. */
  abstract find(heap: PostingHeap): void;

  /** Says that texts of this size are looked for. */
  note(size: i32): void {}

  /** What a text in this place is listed under. */
  hashOf(text: Bytes): u64 {
    return max<u64>(hash64(text, this.seed), 1);
  }
}

/** A text in a place. */
@final
export class MatchKey {
  readonly hash: u64;
  readonly size: i32;

  constructor(
    readonly source: KeySource,
    text: string,
  ) {
    const bytes = Bytes.utf8(text);
    this.hash = source.hashOf(bytes);
    this.size = bytes.size;
  }
}

/** Any value of a header. */
@final
export class HeaderSource extends KeySource {
  private header: HeaderName;

  constructor(name: string) {
    super(`header:${name}`);
    this.header = new HeaderName(name);
  }

  find(heap: PostingHeap): void {
    for (let i = requestHeaders.indexOfName(this.header); i >= 0; i = requestHeaders.indexOfName(this.header, i + 1)) {
      heap.add(this.hashOf(requestHeaders.valueAt(i)));
    }
  }
}

/** The first cookie of a name. */
@final
export class CookieSource extends KeySource {
  private name: Uint8Array;

  constructor(name: string) {
    super(`cookie:${name}`);
    this.name = Bytes.utf8(name).copy();
  }

  find(heap: PostingHeap): void {
    const value = requestCookie(Bytes.of(this.name));
    if (value !== null) heap.add(this.hashOf(value));
  }
}

/** Any value. */
@final
export class ValueSource extends KeySource {
  constructor(private value: RequestValue) {
    super(`value:${value.id}`, value.asksHost);
  }

  find(heap: PostingHeap): void {
    const value = this.value.read();
    if (value !== null) heap.add(this.hashOf(value));
  }
}

/** The whole path. */
@final
export class PathSource extends KeySource {
  constructor() {
    super("path");
  }

  find(heap: PostingHeap): void {
    heap.add(this.hashOf(requestPath()));
  }
}

/** The first bytes of the path. */
@final
export class PathStartSource extends KeySource {
  /** How many bytes are looked for, from the fewest on. */
  private sizes: i32[] = [];

  constructor() {
    super("path start");
  }

  note(size: i32): void {
    if (this.sizes.includes(size)) return;
    this.sizes.push(size);
    this.sizes.sort((a, b) => a - b);
  }

  find(heap: PostingHeap): void {
    const path = requestPath();
    for (let i = 0; i < this.sizes.length; ++i) {
      const size = unchecked(this.sizes[i]);
      if (size > path.size) return;
      heap.add(this.hashOf(Bytes.at(path.pointer, size)));
    }
  }
}
