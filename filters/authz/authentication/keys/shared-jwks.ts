// The text of a set of keys, for all workers.

import { Bytes, Status, getSharedData, setSharedData } from "proxy-wasm-assemblyscript-sdk";

/** Two times of 64 bits stand before the text. */
// @ts-ignore: decorator
@inline const HEAD: i32 = 16;

/** A set as it was fetched. Times are in nanoseconds of the clock that all workers of a process have in common. */
@final
export class SharedJwks {
  /** When it was fetched; 0 while there is none. */
  fetchedAt: i64 = 0;
  /** When it is too old to be used. */
  expiresAt: i64 = 0;
  /** There until the callback returns. */
  text: Bytes = changetype<Bytes>(0);
  private key: Uint8Array;

  constructor(key: string) {
    this.key = Bytes.utf8(key).copy();
  }

  /** Whether there is one. */
  read(): bool {
    const value = getSharedData(Bytes.of(this.key));
    if (value === null || value.bytes.size < HEAD) return false;
    this.fetchedAt = load<i64>(value.bytes.pointer);
    this.expiresAt = load<i64>(value.bytes.pointer, 8);
    this.text = value.bytes.slice(HEAD);
    return true;
  }

  write(fetchedAt: i64, expiresAt: i64, text: Bytes): bool {
    const value = Bytes.allocate(HEAD + text.size);
    store<i64>(value.pointer, fetchedAt);
    store<i64>(value.pointer, expiresAt, 8);
    memory.copy(value.pointer + HEAD, text.pointer, text.size);
    return setSharedData(Bytes.of(this.key), value) == Status.Ok;
  }
}
