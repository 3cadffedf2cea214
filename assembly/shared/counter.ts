import { Bytes } from "../bytes";
import { SharedUpdate, SharedUpdateResult, updateSharedData } from "./update";
import { getSharedData } from "./data";

/**
 * A number that all workers count together, kept as eight bytes, the least significant first. A value of another size counts as 0.
 * Make it once.
 */
@final
export class SharedCounter extends SharedUpdate {
  /** The number as the last `add` of this worker left it. */
  value: i64 = 0;
  private key: Uint8Array;
  private offset: i64 = 0;

  constructor(key: string) {
    super();
    this.key = Bytes.utf8(key).copy();
  }

  /** Adds to the number, with `value` the sum. Nothing is added unless the result is `Written`. */
  add(offset: i64 = 1): SharedUpdateResult {
    this.offset = offset;
    return updateSharedData(Bytes.of(this.key), this);
  }

  /** The number now. */
  read(): i64 {
    const current = getSharedData(Bytes.of(this.key));
    return current === null ? 0 : numberOf(current.bytes);
  }

  update(current: Bytes | null): Bytes | null {
    this.value = (current === null ? 0 : numberOf(current)) + this.offset;
    const bytes = Bytes.allocate(8);
    store<i64>(bytes.pointer, this.value);
    return bytes;
  }
}

function numberOf(bytes: Bytes): i64 {
  return bytes.size == 8 ? load<i64>(bytes.pointer) : 0;
}
