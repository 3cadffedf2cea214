import type { QuotaTerms } from "../model/index.ts";
import { waterLevel } from "./divide.ts";

/**
 * The account of one bucket: what is left of its quota, and who holds how much. It is plain data, so that it can be kept
 * anywhere. Times are in milliseconds since 1970.
 *
 * The account is a token bucket, and one thing always holds: what is left and of each holder the greater of `held` and
 * `back` is together at most the burst. So whatever holders do with what they hold, no span of time W sees more than
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
  /** Requests that it may still let pass, or did and has not told. Nobody else may have them. */
  held: number;
  /** When the last lease is over, even if it was long on its way. */
  until: number;
  /** Requests that it may have let pass under leases that are over, and has not told. Others have them meanwhile. */
  lost: number;
  /** What of both is left again if it used nothing, in parts of a token. */
  back: number;
  /** Requests that it would let pass in a second. */
  demand: number;
  heardAt: number;
  /** When it last told of a request. */
  usedAt: number;
  /** The stream that it last spoke on. */
  stream: string;
  /** Leases any of which it may have now, and when they were given: the last that is known to have arrived, and those after it. */
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
  settle(account, terms, holder, from, usage.allowed);
  measure(holder, terms, usage, account.at, known === undefined);
  holder.heardAt = account.at;
  holder.stream = from.stream;
  divide(account, terms);

  const unused = (account.at - holder.usedAt) / terms.leaseMs;
  // What it holds when it forgets the bucket is not told to be unused; so it is to be next to nothing.
  if (unused >= 1 && holder.held <= 1) {
    holder.given.push([0, account.at]);
    return "abandon";
  }
  const left = Math.max(0, Math.floor(account.parts / account.partsPerToken));
  const share = Math.max(1, Math.floor(Math.min(account.share, targetOf(holder, terms, account.floor))));
  // A lease replaces the one before: a paced sidecar holds the greater of the two, another one may use first what it has and
  // then the new one.
  const kept = from.isPaced ? Math.floor(holder.back / account.partsPerToken) : 0;
  const tokens = Math.min(unused >= IDLE_LEASES ? 1 : share, kept + left);
  const more = Math.max(0, tokens - kept) * account.partsPerToken;
  account.parts -= more;
  holder.back += more;
  holder.held = from.isPaced ? Math.max(holder.held, tokens) : holder.held + tokens;
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
  if (account.partsPerToken !== terms.partsPerToken) rescale(account, terms.partsPerToken);
  const ended = Object.values(account.holders)
    .filter(({ held, until }) => held > 0 && until <= now)
    .sort((a, b) => a.until - b.until);
  for (const holder of ended) {
    refill(account, terms, holder.until);
    holder.lost += holder.held;
    holder.held = 0;
  }
  refill(account, terms, now);
  for (const [id, { held, heardAt }] of Object.entries(account.holders)) {
    if (held === 0 && account.at - heardAt >= REMEMBERED_LEASES * terms.leaseMs)
      Reflect.deleteProperty(account.holders, id);
  }
}

function rescale(account: Account, partsPerToken: number): void {
  const rescaled = (parts: number): number => Math.floor((parts / account.partsPerToken) * partsPerToken);
  account.parts = rescaled(account.parts);
  for (const holder of Object.values(account.holders)) holder.back = rescaled(holder.back);
  account.partsPerToken = partsPerToken;
}

function refill(account: Account, terms: QuotaTerms, to: number): void {
  const elapsed = Math.max(0, to - account.at);
  account.at += elapsed;
  const full = (terms.burst - heldOf(account)) * account.partsPerToken;
  account.parts = Math.min(full, account.parts + elapsed * terms.partsPerMs);
  forfeit(account, terms);
}

/** What came back meanwhile in place of what was lost does not come back a second time. */
function forfeit(account: Account, terms: QuotaTerms): void {
  let excess = account.parts - terms.burst * account.partsPerToken;
  for (const { held, back } of Object.values(account.holders)) excess += Math.max(held * account.partsPerToken, back);
  for (const holder of Object.values(account.holders)) {
    if (excess <= 0) return;
    const less = Math.min(excess, Math.max(0, holder.back - holder.held * account.partsPerToken));
    holder.back -= less;
    excess -= less;
  }
}

function heldOf(account: Account): number {
  let sum = 0;
  for (const id in account.holders) sum += account.holders[id]?.held ?? 0;
  return sum;
}

function openHolder(now: number): Holder {
  return { held: 0, until: now, lost: 0, back: 0, demand: 0, heardAt: now, usedAt: now, stream: "", given: [] };
}

/** Takes what the sidecar used off what it had; what it cannot have in hand any more is left again. */
function settle(account: Account, terms: QuotaTerms, holder: Holder, from: Reporter, allowed: number): void {
  const untold = holder.held + holder.lost;
  // Requests that passed and that nobody gave it.
  const debt = Math.max(0, allowed - untold);
  const floor = -terms.burst * account.partsPerToken;
  account.parts = Math.max(Math.min(floor, account.parts), account.parts - debt * account.partsPerToken);

  const [held, lost] = from.isPaced ? keptByPaced(holder, from, allowed) : keptByOther(holder, allowed, account.at);
  const back = Math.max(0, holder.back - allowed * account.partsPerToken);
  holder.held = held;
  holder.lost = lost;
  holder.back = Math.min(back, (held + lost) * account.partsPerToken);
  account.parts += back - holder.back;
}

function keptByPaced(holder: Holder, from: Reporter, allowed: number): [held: number, lost: number] {
  const { given } = holder;
  const isSameStream = holder.stream === from.stream;
  // On a new stream the last answers may not have come, and it tells again what it told before them.
  const inForce = (isSameStream ? given.slice(-1) : given).reduce((most, [tokens]) => Math.max(most, tokens), 0);
  holder.given = given.slice(-1).map(([, at]) => [inForce, at]);
  const unused = Math.max(0, inForce - allowed);
  const held = Math.min(holder.held, unused);
  const untold = Math.max(0, holder.held + holder.lost - allowed - held);
  // On the same one all is told that it used, but of the last lease, if that ended while the report was on its way.
  return [held, isSameStream ? Math.min(untold, unused - held) : untold];
}

function keptByOther(holder: Holder, allowed: number, now: number): [held: number, lost: number] {
  const arrived = holder.given.findLastIndex(([, at]) => now - at >= 2 * GRACE_MS);
  if (arrived > 0) holder.given = holder.given.slice(arrived);
  const inForce = holder.given.reduce((sum, [tokens]) => sum + tokens, 0);
  const ofHeld = Math.max(0, allowed - holder.lost);
  return [Math.max(0, Math.min(holder.held - ofHeld, inForce)), Math.max(0, holder.lost - allowed)];
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
  const left = account.parts / account.partsPerToken + heldOf(account);
  // What was lost of those who are there again.
  const found = active.reduce((sum, { held, back }) => sum + Math.max(0, back / account.partsPerToken - held), 0);
  const supply = Math.max(0, left + found);
  account.floor = Math.floor(supply / (4 * active.length));
  const targets = active.map((holder) => targetOf(holder, terms, account.floor));
  account.share = waterLevel(supply, targets);
  account.sharedAt = account.at;
}
