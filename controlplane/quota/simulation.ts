// A fleet in simulated time, for tests: the service's real state machine, and sidecars, networks and users as they may be.

import type { QuotaTerms } from "../model/index.ts";
import { openAccount, partsAtFirst, report, type Account, type Answer } from "./account.ts";

/** Times are in milliseconds from the beginning. */
export interface SidecarPlan {
  /** Whether it is this project's filter, or Envoy's own. */
  readonly isPaced: boolean;
  readonly joins: number;
  readonly leaves: number;
  /** Requests in a second, by phases of equal length. */
  readonly rates: readonly number[];
  /** When nothing reaches it and its streams break. */
  readonly partitions: readonly (readonly [from: number, to: number])[];
  /** Requests that it lets pass in a second while it has no lease, and at once. */
  readonly fallback?: { readonly rate: number; readonly burst: number };
}

export interface Plan {
  readonly terms: QuotaTerms;
  readonly durationMs: number;
  readonly sidecars: readonly SidecarPlan[];
  /** The longest that a message takes. */
  readonly delayMs: number;
  /** When the service forgets everything. */
  readonly restarts: readonly number[];
  /** Numbers from 0 to 1, used in turn. */
  readonly random: () => number;
}

export interface Outcome {
  /** Requests that passed, in order of time. */
  readonly passed: readonly number[];
  readonly asked: number;
  /** Requests beyond what one token bucket for all would have let pass, over any span of time. */
  readonly overshoot: number;
}

/** Runs a plan. */
export function simulate(plan: Plan): Outcome {
  const world = new World(plan);
  const sidecars = plan.sidecars.map((one, index) =>
    one.isPaced ? new Paced(world, one, index) : new Plain(world, one, index),
  );
  for (const sidecar of sidecars) sidecar.start();
  for (const at of plan.restarts) world.at(at, () => world.restart());
  world.run();
  return { passed: world.passed, asked: world.asked, overshoot: overshootOf(plan.terms, world.passed) };
}

/** How far a token bucket of the quota would have been overdrawn. */
export function overshootOf(terms: QuotaTerms, passed: readonly number[]): number {
  let level = terms.burst;
  let last = 0;
  let lowest = 0;
  for (const at of passed) {
    level = Math.min(terms.burst, level + ((at - last) * terms.requests) / terms.periodMs) - 1;
    last = at;
    lowest = Math.min(lowest, level);
  }
  return -lowest;
}

class World {
  readonly plan: Plan;
  readonly passed: number[] = [];
  asked = 0;
  now = 0;
  #account: Account | undefined;
  #since = 0;
  readonly #events: { readonly at: number; readonly act: () => void }[] = [];

  constructor(plan: Plan) {
    this.plan = plan;
  }

  at(time: number, act: () => void): void {
    const event = { at: Math.max(time, this.now), act };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle];
      // What is due first is the last, and of equals what was put in first.
      if (other !== undefined && other.at >= event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  run(): void {
    for (
      let next = this.#events.pop();
      next !== undefined && next.at <= this.plan.durationMs;
      next = this.#events.pop()
    ) {
      this.now = next.at;
      next.act();
    }
  }

  restart(): void {
    this.#account = undefined;
    this.#since = this.now;
  }

  receive(id: string, stream: string, isPaced: boolean, allowed: number, denied: number): Answer {
    const { terms } = this.plan;
    this.#account ??= openAccount(terms, partsAtFirst(terms, this.#since, this.now), this.now);
    return report(this.#account, terms, { id, stream, isPaced }, { allowed, denied }, this.now);
  }
}

/** What both kinds of sidecars do: they get requests, decide, and count. */
abstract class Sidecar {
  protected readonly world: World;
  protected readonly plan: SidecarPlan;
  protected readonly id: string;
  protected tokens = 0;
  protected leaseEnds = 0;
  protected allowed = 0;
  protected denied = 0;
  protected stream = 0;
  #fallback = 0;
  #fallbackAt = 0;
  #arrivals = [0, 0];

  constructor(world: World, plan: SidecarPlan, index: number) {
    this.world = world;
    this.plan = plan;
    this.id = String(index);
    this.#fallback = plan.fallback?.burst ?? 0;
  }

  start(): void {
    this.world.at(this.plan.joins, () => this.#next());
    for (const [from] of this.plan.partitions) this.world.at(from, () => this.breakStream());
  }

  protected abstract breakStream(): void;
  protected abstract served(): void;

  protected get isThere(): boolean {
    return this.world.now < this.plan.leaves;
  }

  protected get isCutOff(): boolean {
    return this.plan.partitions.some(([from, to]) => this.world.now >= from && this.world.now < to);
  }

  /** Sends in order; what is under way when the network breaks is lost. */
  protected send(direction: 0 | 1, act: () => void): void {
    if (this.isCutOff) return;
    const { stream } = this;
    const arrives = this.world.now + this.world.plan.random() * this.world.plan.delayMs;
    this.#arrivals[direction] = Math.max(arrives, this.#arrivals[direction] ?? 0);
    this.world.at(this.#arrivals[direction], () => {
      if (!this.isCutOff && stream === this.stream && (direction === 0 || this.isThere)) act();
    });
  }

  #next(): void {
    const { durationMs, random } = this.world.plan;
    if (!this.isThere) return;
    const { rates } = this.plan;
    const rate = rates[Math.floor((this.world.now / durationMs) * rates.length)] ?? 0;
    if (rate === 0) {
      this.world.at(this.world.now + 100, () => this.#next());
      return;
    }
    this.#request();
    this.world.at(this.world.now + (-Math.log(1 - random()) * 1000) / rate, () => this.#next());
  }

  #request(): void {
    const { world } = this;
    ++world.asked;
    const isLeased = world.now < this.leaseEnds;
    if (isLeased ? this.tokens >= 1 : this.#takeFallback()) {
      if (isLeased) --this.tokens;
      ++this.allowed;
      world.passed.push(world.now);
    } else ++this.denied;
    this.served();
  }

  #takeFallback(): boolean {
    const { fallback } = this.plan;
    if (fallback === undefined) return false;
    const elapsed = this.world.now - this.#fallbackAt;
    this.#fallback = Math.min(fallback.burst, this.#fallback + (elapsed * fallback.rate) / 1000);
    this.#fallbackAt = this.world.now;
    if (this.#fallback < 1) return false;
    --this.#fallback;
    return true;
  }
}

/** This project's filter: one report at a time, an answer counts from its report, and nothing told in vain is forgotten. */
class Paced extends Sidecar {
  #waiting = false;
  #reportedAt = -Infinity;
  #inFlight = 0;
  #granted = 0;
  #knows = false;

  override start(): void {
    super.start();
    this.world.at(this.plan.joins, () => this.#tick());
  }

  protected override served(): void {
    this.#knows = true;
    if (this.tokens * 2 <= this.#granted || this.world.now >= this.leaseEnds) this.#report();
  }

  protected override breakStream(): void {
    ++this.stream;
    this.#waiting = false;
    this.allowed += this.#inFlight;
    this.#inFlight = 0;
  }

  #tick(): void {
    if (!this.isThere) return;
    const { leaseMs } = this.world.plan.terms;
    if (this.#waiting && this.world.now - this.#reportedAt > 3 * leaseMs) this.breakStream();
    if (this.#knows && this.world.now - this.#reportedAt >= leaseMs / 3) this.#report();
    this.world.at(this.world.now + 100, () => this.#tick());
  }

  #report(): void {
    if (this.#waiting || this.isCutOff || this.world.now - this.#reportedAt < 100) return;
    const { allowed, denied, world } = this;
    this.#waiting = true;
    this.#inFlight = allowed;
    this.#reportedAt = world.now;
    this.allowed = 0;
    this.denied = 0;
    const sentAt = world.now;
    this.send(0, () => {
      const answer = world.receive(this.id, `${this.id}/${String(this.stream)}`, true, allowed, denied);
      this.send(1, () => this.#answered(answer, sentAt));
    });
  }

  #answered(answer: Answer, sentAt: number): void {
    this.#waiting = false;
    this.#inFlight = 0;
    if (answer === "abandon") {
      this.tokens = 0;
      this.leaseEnds = 0;
      this.#granted = 0;
      this.#knows = this.allowed > 0;
      return;
    }
    this.#granted = answer.tokens;
    this.tokens = Math.max(0, answer.tokens - this.allowed);
    this.leaseEnds = sentAt + this.world.plan.terms.leaseMs;
  }
}

/** Envoy's own filter: it reports every second whatever comes back, and a lease begins when it arrives. */
class Plain extends Sidecar {
  #knows = false;

  override start(): void {
    super.start();
    this.world.at(this.plan.joins, () => this.#tick());
  }

  protected override served(): void {
    if (this.#knows) return;
    this.#knows = true;
    this.#report();
  }

  protected override breakStream(): void {
    ++this.stream;
  }

  #tick(): void {
    if (!this.isThere) return;
    if (this.#knows) this.#report();
    this.world.at(this.world.now + 1000, () => this.#tick());
  }

  #report(): void {
    if (this.isCutOff) return;
    const { allowed, denied, world } = this;
    this.allowed = 0;
    this.denied = 0;
    const id = `${this.id}/${String(this.stream)}`;
    this.send(0, () => {
      const answer = world.receive(id, id, false, allowed, denied);
      this.send(1, () => this.#answered(answer));
    });
  }

  #answered(answer: Answer): void {
    if (answer === "abandon") {
      this.tokens = 0;
      this.leaseEnds = 0;
      this.#knows = false;
      return;
    }
    this.tokens = answer.tokens;
    this.leaseEnds = this.world.now + this.world.plan.terms.leaseMs;
  }
}
