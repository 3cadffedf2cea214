import { Bytes } from "../bytes";
import { randomU64 } from "../random";
import { currentTimeNanoseconds } from "../time";
import { SharedUpdate, SharedUpdateResult, updateSharedData } from "./update";

/**
 * A lock among workers that is let go of by itself: for work that one of them should do for all, such as fetching keys.
 * Not to be waited for; ask again at the next tick, or read what the holder has stored. Make it once.
 *
 * The value is 16 bytes: when it ends in nanoseconds since 1970 (0: free), and who holds it, a random number.
 */
@final
export class SharedLock extends SharedUpdate {
  private key: Uint8Array;
  private holder: u64 = 0;
  private ends: u64 = 0;
  private isReleasing: bool = false;

  constructor(key: string) {
    super();
    this.key = Bytes.utf8(key).copy();
  }

  /**
   * Takes the lock, or takes it for longer where this object holds it. False when another holds it.
   * Whoever works for longer than that may find that another has begun the same.
   */
  tryAcquire(nanoseconds: u64): bool {
    if (!this.holder) this.holder = randomU64() | 1;
    this.isReleasing = false;
    this.ends = currentTimeNanoseconds() + nanoseconds;
    return updateSharedData(Bytes.of(this.key), this) == SharedUpdateResult.Written;
  }

  /** Lets go of the lock. False when this object does not hold it, or no longer. */
  release(): bool {
    this.isReleasing = true;
    return updateSharedData(Bytes.of(this.key), this) == SharedUpdateResult.Written;
  }

  update(current: Bytes | null): Bytes | null {
    let ends: u64 = 0;
    let holder: u64 = 0;
    if (current !== null && current.size == 16) {
      ends = load<u64>(current.pointer);
      holder = load<u64>(current.pointer, 8);
    }
    const isHeld = ends > currentTimeNanoseconds();
    const isOwn = isHeld && holder == this.holder;
    if (this.isReleasing ? !isOwn : isHeld && !isOwn) return null;
    const value = Bytes.allocate(16);
    store<u64>(value.pointer, this.isReleasing ? 0 : this.ends);
    store<u64>(value.pointer, this.isReleasing ? 0 : this.holder, 8);
    return value;
  }
}
