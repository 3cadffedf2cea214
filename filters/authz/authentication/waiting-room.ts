// Requests whose token cannot be judged until keys are fetched.

import { Duration, Timer, currentTimeNanoseconds } from "proxy-wasm-assemblyscript-sdk";

/** More requests than that do not wait: what they hold would be memory that a client can ask for. */
// @ts-ignore: decorator
@inline const MAX_WAITING: i32 = 1024;

/** How long a request waits, in nanoseconds. */
// @ts-ignore: decorator
@inline const MAX_WAIT: i64 = 2_000_000_000;

/**
 * A request that is held. As a timer it belongs to its stream, so it is forgotten when the client goes away, and what it does when it
 * is judged again is done for that stream.
 */
export abstract class WaitingRequest extends Timer {
  /** When it has waited long enough, in nanoseconds since 1970; 0 before it waits. */
  until: i64 = 0;
  room: WaitingRoom | null = null;

  /** Keys have come, or the time is up. */
  abstract judgeAgain(): void;

  onTime(): void {
    const room = this.room;
    if (room !== null) room.leave(this);
    this.judgeAgain();
  }
}

/** The requests of a worker that are held. */
@final
export class WaitingRoom {
  private requests: Set<WaitingRequest> = new Set<WaitingRequest>();

  /** Whether the request may wait. False when it has waited long enough, or too many do. */
  admit(request: WaitingRequest): bool {
    const now = <i64>currentTimeNanoseconds();
    if (request.until == 0) request.until = now + MAX_WAIT;
    const rest = min<i64>(request.until - now, MAX_WAIT);
    if (rest <= 0) return false;
    if (this.requests.size >= MAX_WAITING) this.forgetGone();
    if (this.requests.size >= MAX_WAITING) return false;
    request.room = this;
    this.requests.add(request);
    request.startOnce(Duration.nanoseconds(rest));
    return true;
  }

  leave(request: WaitingRequest): void {
    this.requests.delete(request);
  }

  /** Has every request judged again, at the next tick. */
  wake(): void {
    const requests = this.requests.values();
    this.requests.clear();
    for (let i = 0; i < requests.length; ++i) requests[i].hasten();
  }

  /** The SDK stops the timer of a stream that is gone. */
  private forgetGone(): void {
    const requests = this.requests.values();
    for (let i = 0; i < requests.length; ++i) {
      if (!requests[i].isStarted) this.requests.delete(requests[i]);
    }
  }
}
