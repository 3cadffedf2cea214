// What is still to be done for a request that a limit let pass: hits to be given back, or its answer to be charged.

import { Duration, Timer } from "proxy-wasm-assemblyscript-sdk";
import { ResponseCost } from "./cost";
import { Limit } from "./limit";
import { Store } from "./scopes/store";

// @ts-ignore: decorator
@inline const NOWHERE: i32 = -1;

/** What is open between one request and one limit. */
@final
export class Settlement {
  /** Place among those that are held; see `InFlight`. */
  index: i32 = NOWHERE;
  private store: Store;
  private key: u64;
  private hits: u64;
  private takenAt: u64;
  private cost: ResponseCost | null;
  /** Whether the body that comes is to be charged. */
  private chargesBody: bool = false;

  /** @param limit One that the current request was charged to just now. */
  constructor(private limit: Limit) {
    this.store = limit.store;
    this.key = limit.key;
    this.hits = limit.hits;
    this.takenAt = limit.store.takenAt;
    this.cost = limit.responseCost;
  }

  /** Charges what the headers of the current response tell. */
  chargeHeaders(status: i32): void {
    const cost = this.cost;
    if (cost === null || !cost.isFor(status)) return;
    this.chargesBody = cost.bytesPerHit != 0;
    if (!this.chargesBody) this.add(cost.ofHeaders);
  }

  /** Charges the body of the current response, which is over. */
  chargeBody(): void {
    const cost = this.cost;
    if (cost !== null && this.chargesBody) this.add(cost.ofBody);
    this.chargesBody = false;
  }

  renew(): void {
    this.takenAt = this.store.renew(this.key, this.takenAt);
  }

  /** Takes back what the request was charged when it came. */
  giveBack(): void {
    if (this.hits) this.store.giveBack(this.key, this.hits, this.takenAt);
  }

  /** Counts the request as one that the limit let pass. */
  countAllowed(): void {
    this.limit.allowed.increment();
  }

  private add(hits: u64): void {
    if (hits) this.store.add(this.key, hits);
  }
}

/** The requests of this worker that count as in flight. Their hits are renewed, for as long as this worker lives. */
@final
export class InFlight extends Timer {
  private held: Settlement[] = [];

  /** @param renewal Microseconds in which each hit must be renewed. */
  start(renewal: u64): void {
    // Twice as often, since the host can be late.
    this.startPeriodic(Duration.microseconds(<i64>(renewal / 2)));
  }

  add(settlement: Settlement): void {
    settlement.index = this.held.length;
    this.held.push(settlement);
  }

  /** Gives the hit back, once. @returns Whether it was held. */
  end(settlement: Settlement): bool {
    const index = settlement.index;
    if (index == NOWHERE) return false;
    const last = this.held.pop();
    if (last !== settlement) {
      this.held[index] = last;
      last.index = index;
    }
    settlement.index = NOWHERE;
    settlement.giveBack();
    return true;
  }

  onTime(): void {
    for (let i = 0; i < this.held.length; ++i) this.held[i].renew();
  }
}
