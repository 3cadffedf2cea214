import { type Difference, differenceOf, markShared } from "./difference.ts";
import { type Change, type Held, isKnown, isResource, isSame, versionOf, type Wanted } from "./held.ts";

/** Says whether the client still wants what it has, or is to have, under a name. */
export type Keeps = (name: string, held?: Held) => boolean;

/** A rejection that still stands. */
export interface Refusal {
  /** What was rejected; `null`: a removal. */
  readonly wanted: Wanted;
  readonly version: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Whether the response held nothing else, so that the rejection is certainly about this resource. */
  readonly alone: boolean;
  /** What was rejected together has the same one. */
  readonly group: number;
  /** The version of the whole type at that time. */
  readonly typeVersion: string;
}

/** A response that the client has not answered yet. */
export interface Flight {
  readonly nonce: string;
  /** The version that the response carries. */
  readonly version: string;
  /** The version of the whole type when it was sent. */
  readonly typeVersion: string;
  /** The difference that the response makes up for. */
  readonly changes: readonly Change[];
  /** What the client holds once it accepts. */
  readonly result: ReadonlyMap<string, Held>;
  /** Whether it only says that what the client holds lives on. */
  readonly isHeartbeat: boolean;
}

/**
 * How often parts of what was rejected together are tried. One faulty resource of thousands is found sooner; if all are
 * faulty, trying each would be of no use.
 */
const MAX_TRIALS = 32;

/**
 * What one client holds of one type: what it accepted, the response it has yet to answer, and what it refused.
 *
 * A client that is in step holds the very map of the snapshot it was served, so thousands of streams share one map.
 */
export class Ledger {
  #held: ReadonlyMap<string, Held> = nothing;
  #flight: Flight | undefined;
  readonly #owed = new Set<string>();
  readonly #refused = new Map<string, Refusal>();
  /** By name: the version that the client refused, until it is sent anything under that name. */
  readonly #lastRefused = new Map<string, string>();
  /** What the client is owed only so that it accepts once more what it has. */
  readonly #repeats = new Set<string>();
  readonly #isRepeating: boolean;
  #lastGroup = 0;
  #trials = 0;

  /**
   * @param isRepeating whether a client that refused something, and is to have again what it holds, is sent that once more. So a proxy that shows
   * what it was sent last shows what it runs, and says itself that all is as it was.
   */
  constructor(isRepeating = false) {
    this.#isRepeating = isRepeating;
  }

  get held(): ReadonlyMap<string, Held> {
    return this.#held;
  }

  get flight(): Flight | undefined {
    return this.#flight;
  }

  get refused(): ReadonlyMap<string, Refusal> {
    return this.#refused;
  }

  /** Takes the client's word for what it has, at the start of a stream. */
  assume(held: ReadonlyMap<string, Held>): void {
    this.#held = held;
  }

  /** The client is to be told about this name even if nothing changed or it refused it before. */
  owe(name: string): void {
    this.#owed.add(name);
    this.#refused.delete(name);
    this.#repeats.delete(name);
  }

  /** Whether the client has just this, and is to accept it once more. */
  isRepeat(name: string): boolean {
    return this.#repeats.has(name);
  }

  /**
   * The client may still take from the response in flight what it dropped and covers again. It is to be told about that, since
   * nobody knows whether it has it.
   */
  oweDropped(covers: Keeps): void {
    const { changes = [], result } = this.#flight ?? {};
    for (const { name, wanted } of changes) {
      if (wanted !== null && !result?.has(name) && covers(name, wanted)) this.owe(name);
    }
  }

  /** The client dropped the names for which `keep` is false. */
  retain(keep: Keeps): void {
    for (const [name, { wanted }] of this.#refused) {
      if (!keep(name, wanted ?? this.#held.get(name))) this.#refused.delete(name);
    }
    this.#held = retained(this.#held, keep);
    if (this.#flight) this.#flight = { ...this.#flight, result: retained(this.#flight.result, keep) };
    for (const name of this.#owed) if (!keep(name)) this.#owed.delete(name);
    for (const name of this.#lastRefused.keys()) if (!keep(name)) this.#lastRefused.delete(name);
    for (const name of this.#repeats) if (!keep(name)) this.#repeats.delete(name);
  }

  /** Everything in which the client differs from `wanted`, or that it is owed. */
  difference(wanted: ReadonlyMap<string, Wanted>, isNone: (name: string) => boolean): Difference {
    const difference = differenceOf(this.#held, wanted);
    if (this.#lastRefused.size > 0) this.#oweRepeats(wanted);
    for (const name of this.#refused.keys()) {
      if (!wanted.has(name) && !this.#held.has(name)) this.#refused.delete(name);
    }
    // What differs in nothing is the same, and so thousands of streams share one map again.
    if (difference.changes.length === 0 && difference.removals.length === 0) this.#adopt(wanted);
    if (this.#owed.size === 0) return difference;
    const removals = [...difference.removals];
    for (const name of this.#owed) {
      if (!wanted.has(name) && !this.#held.get(name) && isNone(name)) removals.push({ name, wanted: null });
    }
    const differing = new Set(difference.changes.map(({ name }) => name));
    const changes: Change[] = [];
    for (const [name, want] of wanted) {
      if (differing.has(name) || this.#isOwed(name, want)) changes.push({ name, wanted: want });
    }
    return { changes, removals };
  }

  /** Each rejection makes one repeat at most: it is forgotten when anything is sent, and a repeat that is refused is of the version that is wanted. */
  #oweRepeats(wanted: ReadonlyMap<string, Wanted>): void {
    for (const [name, version] of this.#lastRefused) {
      const want = wanted.get(name);
      const have = this.#held.get(name);
      if (want && isKnown(have) && isSame(want, have) && want.version !== version) {
        if (!this.#owed.has(name)) this.#repeats.add(name);
        this.#owed.add(name);
      } else if (this.#repeats.delete(name)) this.#owed.delete(name);
    }
  }

  /** Holds an equal map in place of its own. A client that has a resource in another form, as its version says, keeps that. */
  #adopt(wanted: ReadonlyMap<string, Wanted>): void {
    if (wanted === this.#held || wanted.size !== this.#held.size) return;
    for (const [name, want] of wanted) if (versionOf(want) !== versionOf(this.#held.get(name) ?? null)) return;
    this.#held = wanted;
  }

  /**
   * What of `changes` may be sent now. A refused version is not sent again. When it was refused together with others,
   * the others must not suffer for it: halves of them are tried until what is wrong stands alone. When the trials are
   * used up, it goes on once the type changes.
   */
  sendable(changes: readonly Change[], typeVersion: string): readonly Change[] {
    if (this.#refused.size === 0) return changes;
    const suspects: Change[] = [];
    const fresh = changes.filter((change) => {
      const refusal = this.#refused.get(change.name);
      if (refusal?.version !== versionOf(change.wanted)) return true;
      if (this.#isSuspect(refusal, typeVersion)) suspects.push(change);
      return false;
    });
    if (fresh.length > 0) return fresh;
    const group = suspects[0] && this.#refused.get(suspects[0].name)?.group;
    const together = suspects.filter(({ name }) => this.#refused.get(name)?.group === group);
    return together.slice(0, Math.ceil(together.length / 2));
  }

  /** Whether this very change was refused, and will not be tried again. */
  isRefused({ name, wanted }: Change, typeVersion: string): boolean {
    const refusal = this.#refused.get(name);
    return refusal?.version === versionOf(wanted) && !this.#isSuspect(refusal, typeVersion);
  }

  #isSuspect({ alone, typeVersion }: Refusal, now: string): boolean {
    return !alone && (this.#trials < MAX_TRIALS || typeVersion !== now);
  }

  /** What the client will hold when it accepts `changes`. */
  resultOf(changes: readonly Change[]): Map<string, Held> {
    const result = new Map(this.#held);
    for (const { name, wanted } of changes) result.set(name, wanted);
    return result;
  }

  sent(flight: Flight): void {
    this.#flight = flight;
    if (this.#lastRefused.size > 0) for (const { name } of flight.changes) this.#lastRefused.delete(name);
    if (this.#owed.size === 0) return;
    for (const { name, wanted } of flight.changes) {
      this.#owed.delete(name);
      this.#repeats.delete(name);
      for (const alias of wanted?.aliases ?? []) this.#owed.delete(alias);
    }
  }

  #isOwed(name: string, wanted: Wanted): boolean {
    if (this.#owed.size === 0) return false;
    return this.#owed.has(name) || (wanted?.aliases?.some((alias) => this.#owed.has(alias)) ?? false);
  }

  /** Waits no longer for the answer to the response in flight: what it was about may or may not have come to the client. */
  doubt(): void {
    if (this.#flight === undefined) return;
    const { changes, result } = this.#flight;
    this.#flight = undefined;
    if (changes.length === 0) return;
    const held = new Map(this.#held);
    for (const { name, wanted } of changes) {
      // What it dropped since, or never had, it does not have.
      const had = held.get(name);
      if (wanted === null ? !had : !result.has(name)) continue;
      held.set(name, { version: "", instead: wanted ?? (isResource(had) ? had : undefined) });
    }
    this.#held = held;
  }

  /** The client accepted the response in flight. */
  accept(): void {
    if (this.#flight === undefined) return;
    this.#held = this.#flight.result;
    if (this.#refused.size > 0) for (const { name } of this.#flight.changes) this.#refused.delete(name);
    this.#flight = undefined;
  }

  /** The client rejected the response in flight; with `expected`, it is to be sent again and nothing is held against it. */
  reject(message: string, time: number, expected: boolean): void {
    if (this.#flight === undefined) return;
    const { changes, result, typeVersion } = this.#flight;
    this.#flight = undefined;
    if (this.#isRepeating) {
      for (const { name, wanted } of changes) if (wanted !== null) this.#lastRefused.set(name, wanted.version);
    }
    if (expected) return;
    const alone = changes.length === 1;
    const group = ++this.#lastGroup;
    const isTrial = changes.some(({ name, wanted }) => this.#refused.get(name)?.version === versionOf(wanted));
    this.#trials = isTrial ? this.#trials + 1 : 0;
    for (const { name, wanted } of changes) {
      if (wanted !== null && !result.has(name)) continue; // The client dropped it meanwhile.
      if (wanted === null && !this.#held.get(name)) {
        // It was told that there is none of what it does not have: no answer changes that.
        if (result.has(name)) this.#held = new Map(this.#held).set(name, null);
        continue;
      }
      this.#refused.set(name, { wanted, version: versionOf(wanted), message, time, alone, group, typeVersion });
    }
  }
}

const nothing: ReadonlyMap<string, Held> = new Map();
markShared(nothing);

function retained(held: ReadonlyMap<string, Held>, keep: Keeps): ReadonlyMap<string, Held> {
  for (const [name, have] of held) {
    if (!keep(name, have)) return new Map([...held].filter(([key, value]) => keep(key, value)));
  }
  return held;
}
