import type { QuotaTerms } from "../model/index.ts";
import { waterLevel } from "./divide.ts";

/**
 * The account of one bucket: what is left of its quota, and who holds how much. It is plain data, so that it can be kept
 * anywhere. Times are in milliseconds since 1970.
 *
 * The account is a token bucket, and one thing always holds: what is left and what holders may still use is together at
 * most the burst. So whatever holders do with what they hold, no span of time W sees more than
 * `burst + W * requests / period` requests; docs/guides/fleet-limits.md has the proof.
 */
export interface Account {
  /** Time up to which tokens came back. */
  at: number;
  /** What is left, in parts of a token. Negative where requests passed that nobody had tokens for. */
  parts: number;
  partsPerToken: number;
  /** Leases given out so far. */
  leases: number;
  /** What no holder gets more than, what each may have that asks for anything, and when the two were found. */
  share: number;
  floor: number;
  sharedAt: number;
  holders: Record<string, Holder>;
}

/** One sidecar. */
export interface Holder {
  /** Requests that it may still let pass, as far as it has not told. */
  held: number;
  /** When the last lease is over, even if it was long on its way. */
  until: number;
  /** What it held when its lease ended and nobody had heard of it: counted as used. */
  lost: number;
  /** Requests that it would let pass in a second. */
  demand: number;
  heardAt: number;
  /** When it last told of a request. */
  usedAt: number;
  /** The stream that it last spoke on. */
  stream: string;
  /** Leases of which nobody knows yet that they have arrived, and when they were given. */
  given: [tokens: number, at: number][];
}

/** Who reports. */
export interface Reporter {
  readonly id: string;
  readonly stream: string;
  /**
   * Whether it reports on a bucket only after the answer to its last report has come, counts an answer from the time of the
   * report, and tells after a broken stream what it told in vain. Then nothing depends on how long messages take.
   */
  readonly isPaced: boolean;
}

/** What a sidecar let pass and refused since its last report. */
export interface Usage {
  readonly allowed: number;
  readonly denied: number;
}

/** What it gets: a lease of some requests (0: none pass) until the next answer or `leaseMs` have passed, or nothing more to keep. */
export type Answer = { readonly tokens: number; readonly lease: number } | "abandon";

/** How long a message may take, and how far the clocks of replicas may differ, in milliseconds. */
export const GRACE_MS = 1000;

/** A share stays for this long, so that a report costs no division over all holders. */
const SHARE_MS = 20;
/** Leases without a request after which a sidecar is to forget the bucket. */
const IDLE_LEASES = 10;
/** Leases after which a sidecar that is gone is forgotten. */
const REMEMBERED_LEASES = 10;

/** An account that begins at `now`. */
export function openAccount(terms: QuotaTerms, parts: number, now: number): Account {
  const { partsPerToken } = terms;
  return { at: now, parts, partsPerToken, leases: 0, share: 0, floor: 0, sharedAt: -SHARE_MS, holders: {} };
}

/**
 * What an account begins with that is not there: nobody used it, or it was lost. Counting began at `since`; what was used
 * before is not known, and the user's policy says what to make of that.
 */
export function partsAtFirst(terms: QuotaTerms, since: number, now: number): number {
  const { burst, partsPerToken, partsPerMs, onLoss, leaseMs } = terms;
  const full = burst * partsPerToken;
  if (onLoss.policy === "Allow") return full;
  // Nothing before all leases are over that were lost with the account.
  if (onLoss.policy === "Deny") return Math.min(full, (now - since - leaseMs - GRACE_MS) * partsPerMs);
  return Math.min(full, Math.floor(onLoss.fraction * burst) * partsPerToken + Math.max(0, now - since) * partsPerMs);
}

/** Takes a report into the account, and decides what the sidecar gets. */
export function report(account: Account, terms: QuotaTerms, from: Reporter, usage: Usage, now: number): Answer {
  advance(account, terms, now);
  const known = account.holders[from.id];
  const holder = known ?? openHolder(account.at);
  account.holders[from.id] = holder;
  takeUsage(account, terms, holder, usage.allowed);
  takeBack(account, holder, from, usage.allowed);
  measure(holder, terms, usage, account.at, known === undefined);
  holder.heardAt = account.at;
  holder.stream = from.stream;
  divide(account, terms);

  const unused = (account.at - holder.usedAt) / terms.leaseMs;
  // What it holds when it forgets the bucket is not told to be unused; so it is to be next to nothing.
  if (unused >= 1 && holder.held <= 1) {
    holder.given = [];
    return "abandon";
  }
  const left = Math.max(0, Math.floor(account.parts / account.partsPerToken));
  const share = Math.max(1, Math.floor(Math.min(account.share, targetOf(holder, terms, account.floor))));
  // A lease replaces the one before: a paced sidecar holds the greater of the two, another one may use first what it has and
  // then the new one.
  const kept = from.isPaced ? holder.held : 0;
  const tokens = Math.min(unused >= IDLE_LEASES ? 1 : share, kept + left);
  const more = Math.max(0, tokens - kept);
  account.parts -= more * account.partsPerToken;
  holder.held += more;
  // With nothing in hand there is nothing that could end.
  holder.until = holder.held > 0 ? account.at + terms.leaseMs + GRACE_MS : account.at;
  holder.given.push([tokens, account.at]);
  return { tokens, lease: ++account.leases };
}

/** Requests that may pass now, over all sidecars, if none of those that hold leases lets any pass. */
export function remaining(account: Account): number {
  return Math.floor(account.parts / account.partsPerToken);
}

/** Whether the account says nothing that a new one would not. */
export function isSpent(account: Account, terms: QuotaTerms, now: number): boolean {
  advance(account, terms, now);
  return Object.keys(account.holders).length === 0 && account.parts >= terms.burst * terms.partsPerToken;
}

/** Milliseconds after which an account that nobody touches is spent. */
export function lifetimeMs(account: Account, terms: QuotaTerms): number {
  const missing = terms.burst * terms.partsPerToken - account.parts;
  const forgotten = (REMEMBERED_LEASES + 1) * terms.leaseMs + GRACE_MS;
  return Math.ceil(Math.max(0, missing) / terms.partsPerMs) + forgotten;
}

/** Lets time pass: tokens come back, and leases end. Time that goes back counts as none. */
export function advance(account: Account, terms: QuotaTerms, now: number): void {
  if (account.partsPerToken !== terms.partsPerToken) {
    account.parts = Math.floor((account.parts / account.partsPerToken) * terms.partsPerToken);
    account.partsPerToken = terms.partsPerToken;
  }
  const ended = Object.values(account.holders)
    .filter(({ held, until }) => held > 0 && until <= now)
    .sort((a, b) => a.until - b.until);
  for (const holder of ended) {
    refill(account, terms, holder.until);
    holder.lost += holder.held;
    holder.held = 0;
    holder.given = [];
  }
  refill(account, terms, now);
  for (const [id, { held, heardAt }] of Object.entries(account.holders)) {
    if (held === 0 && account.at - heardAt >= REMEMBERED_LEASES * terms.leaseMs)
      Reflect.deleteProperty(account.holders, id);
  }
}

function refill(account: Account, terms: QuotaTerms, to: number): void {
  const elapsed = Math.max(0, to - account.at);
  account.at += elapsed;
  const full = (terms.burst - heldOf(account)) * account.partsPerToken;
  account.parts = Math.min(full, account.parts + elapsed * terms.partsPerMs);
}

function heldOf(account: Account): number {
  let sum = 0;
  for (const id in account.holders) sum += account.holders[id]?.held ?? 0;
  return sum;
}

function openHolder(now: number): Holder {
  return { held: 0, until: now, lost: 0, demand: 0, heardAt: now, usedAt: now, stream: "", given: [] };
}

/** Requests that passed: of what was counted as used already, then of what it holds, then of what nobody gave it. */
function takeUsage(account: Account, terms: QuotaTerms, holder: Holder, allowed: number): void {
  const ofLost = Math.min(holder.lost, allowed);
  holder.lost -= ofLost;
  const ofHeld = Math.min(holder.held, allowed - ofLost);
  holder.held -= ofHeld;
  const debt = allowed - ofLost - ofHeld;
  const floor = -terms.burst * account.partsPerToken;
  account.parts = Math.max(Math.min(floor, account.parts), account.parts - debt * account.partsPerToken);
}

/** What the sidecar cannot have in hand any more, since a later lease has replaced it, is left again. */
function takeBack(account: Account, holder: Holder, from: Reporter, allowed: number): void {
  const { given } = holder;
  if (from.isPaced) {
    // On a new stream the last answers may not have come.
    if (holder.stream !== from.stream) return;
    const last = given.at(-1);
    if (last !== undefined) giveBack(account, holder, Math.max(0, last[0] - allowed));
    holder.given = [];
    // All that it used is told, so the rest of what was taken for used was not.
    account.parts += holder.lost * account.partsPerToken;
    holder.lost = 0;
    return;
  }
  const arrived = given.findLastIndex(([, at]) => account.at - at >= 2 * GRACE_MS);
  if (arrived < 0) return;
  holder.given = given.slice(arrived);
  giveBack(
    account,
    holder,
    holder.given.reduce((sum, [tokens]) => sum + tokens, 0),
  );
}

function giveBack(account: Account, holder: Holder, atMost: number): void {
  if (holder.held <= atMost) return;
  account.parts += (holder.held - atMost) * account.partsPerToken;
  holder.held = atMost;
}

/** Follows the demand up at once and down within about a lease. */
function measure(holder: Holder, terms: QuotaTerms, { allowed, denied }: Usage, now: number, isNew: boolean): void {
  const asked = allowed + denied;
  if (asked > 0) holder.usedAt = now;
  const elapsed = isNew ? horizonMs(terms) : Math.max(now - holder.heardAt, 1);
  const rate = (asked / elapsed) * 1000;
  const weight = rate > holder.demand ? 1 : 1 - Math.exp(-elapsed / terms.leaseMs);
  holder.demand += (rate - holder.demand) * weight;
}

/** Twice what a sidecar needs until its next report, or the floor, which one that has only come finds too. */
function targetOf(holder: Holder, terms: QuotaTerms, floor: number): number {
  return Math.max(floor, Math.ceil((holder.demand * 2 * horizonMs(terms)) / 1000));
}

/** Short against the period, so that little lies where it is not needed; and within a lease, which must be used up before it ends. */
function horizonMs({ leaseMs, periodMs }: QuotaTerms): number {
  return Math.max(100, Math.min(leaseMs / 2, periodMs / 8));
}

/** Divides all that is left or held among those who ask: a quarter evenly, so that newcomers find something, then by demand. */
function divide(account: Account, terms: QuotaTerms): void {
  if (Math.abs(account.at - account.sharedAt) < SHARE_MS) return;
  const active = Object.values(account.holders).filter(({ heardAt }) => account.at - heardAt <= terms.leaseMs);
  const supply = Math.max(0, account.parts / account.partsPerToken + heldOf(account));
  account.floor = Math.floor(supply / (4 * active.length));
  const targets = active.map((holder) => targetOf(holder, terms, account.floor));
  account.share = waterLevel(supply, targets);
  account.sharedAt = account.at;
}
