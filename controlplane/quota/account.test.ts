// Time is in ms; a paced client tells at once, so that each number can be followed by hand.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { quotaTerms, type QuotaTerms } from "../model/index.ts";
import {
  advance,
  GRACE_MS,
  openAccount,
  partsAtFirst,
  remaining,
  report,
  type Account,
  type Reporter,
} from "./account.ts";

const terms = (requests: number, period = "10s", more: object = {}): QuotaTerms =>
  quotaTerms({
    domain: "d",
    bucket: { k: "v" },
    requests,
    period,
    onLoss: { policy: "Allow", fraction: 0.1 },
    ...more,
  });

const open = (of: QuotaTerms): Account => openAccount(of, partsAtFirst(of, 0, 0), 0);
const paced = (id: string, stream = id): Reporter => ({ id, stream, isPaced: true });
const plain = (id: string): Reporter => ({ id, stream: id, isPaced: false });
const total = (account: Account): number =>
  Object.values(account.holders).reduce((sum, { held }) => sum + held, remaining(account));
const heldOf = (account: Account, id: string): number | undefined => account.holders[id]?.held;

describe("an account", () => {
  test("a newcomer gets a floor, and what is used comes back", () => {
    const of = terms(100);
    const account = open(of);
    assert.deepEqual(report(account, of, paced("a"), { allowed: 0, denied: 1 }, 0), { tokens: 25, lease: 1 });
    assert.equal(remaining(account), 75);
    // 5 were used; 20 are still in hand, and count from here.
    const next = report(account, of, paced("a"), { allowed: 5, denied: 0 }, 1000);
    assert.ok(next !== "abandon" && next.tokens >= 20, JSON.stringify(next));
    // They may have been used just now, so nothing came back for them yet.
    assert.equal(remaining(account) + (heldOf(account, "a") ?? 0), 95);
    advance(account, of, 1500);
    assert.equal(remaining(account) + (heldOf(account, "a") ?? 0), 100);
  });

  test("what a sidecar uses without tokens is owed", () => {
    const of = terms(10);
    const account = open(of);
    report(account, of, paced("a"), { allowed: 12, denied: 0 }, 0);
    assert.equal(remaining(account), -2);
    assert.equal(heldOf(account, "a"), 0);
    assert.deepEqual(report(account, of, paced("a"), { allowed: 0, denied: 3 }, 2000), { tokens: 0, lease: 2 });
    const later = report(account, of, paced("a"), { allowed: 0, denied: 3 }, 5000);
    assert.ok(later !== "abandon" && later.tokens >= 1 && later.tokens <= 3, JSON.stringify(later));
  });

  test("no more is owed than a burst", () => {
    const of = terms(10);
    const account = open(of);
    report(account, of, paced("a"), { allowed: 1_000_000, denied: 0 }, 0);
    assert.equal(remaining(account), -10);
  });

  test("a lease that ends without a word counts as used, and a late report of it costs nothing more", () => {
    const of = terms(10, "744h", { lease: "1s" });
    const account = open(of);
    const { tokens } = report(account, of, paced("a"), { allowed: 0, denied: 5 }, 0) as { tokens: number };
    advance(account, of, 1000 + GRACE_MS);
    assert.equal(heldOf(account, "a"), 0);
    assert.equal(remaining(account), 10 - tokens);
    report(account, of, paced("a", "again"), { allowed: tokens, denied: 0 }, 1001 + GRACE_MS);
    assert.equal(remaining(account) + (heldOf(account, "a") ?? 0), 10 - tokens);
  });

  test("what a paced sidecar turns out not to have used of a lost lease is left again", () => {
    const of = terms(10, "744h", { lease: "1s" });
    const account = open(of);
    report(account, of, paced("a"), { allowed: 0, denied: 5 }, 0);
    report(account, of, paced("a"), { allowed: 1, denied: 0 }, 5000);
    // That report may have been long on its way, and more used since; the next one tells.
    report(account, of, paced("a"), { allowed: 0, denied: 0 }, 5100);
    assert.equal(remaining(account) + (heldOf(account, "a") ?? 0), 9);
  });

  test("what came back in place of a lost lease does not come back with it a second time", () => {
    const of = terms(2, "2s", { lease: "1s" });
    const account = open(of);
    assert.deepEqual(report(account, of, paced("a"), { allowed: 0, denied: 1 }, 0), { tokens: 2, lease: 1 });
    // That is over, and 2 tokens have come back in its place.
    report(account, of, paced("b"), { allowed: 0, denied: 9 }, 4000);
    assert.equal(total(account), 2);
    report(account, of, paced("a"), { allowed: 0, denied: 1 }, 4000);
    assert.equal(total(account), 2);
  });

  test("what may have been used after a report that came late is not given to others before it is told", () => {
    const of = terms(4, "744h", { lease: "1s" });
    const account = open(of);
    assert.deepEqual(report(account, of, paced("a"), { allowed: 0, denied: 50 }, 0), { tokens: 4, lease: 1 });
    // Sent at 500 and long on its way: until 1000 the lease let three more pass.
    report(account, of, paced("a"), { allowed: 1, denied: 0 }, 5000);
    const { tokens } = report(account, of, paced("b"), { allowed: 0, denied: 50 }, 5010) as { tokens: number };
    assert.equal(tokens, 0);
  });

  test("what is told again on another stream does not free what is still in hand", () => {
    const of = terms(10, "10s", { lease: "10s" });
    const account = open(of);
    assert.deepEqual(report(account, of, paced("a"), { allowed: 0, denied: 50 }, 0), { tokens: 10, lease: 1 });
    // The answer is lost with the stream, so the four are told once more; six of the first lease are left.
    report(account, of, paced("a"), { allowed: 4, denied: 0 }, 100);
    report(account, of, paced("a", "second"), { allowed: 4, denied: 0 }, 200);
    advance(account, of, 9000);
    assert.ok(remaining(account) <= 4, String(remaining(account)));
  });

  test("of a sidecar that nobody heard of, what it holds is not given to others before its lease is over", () => {
    const of = terms(8, "744h", { lease: "1s" });
    const account = open(of);
    report(account, of, paced("a"), { allowed: 0, denied: 100 }, 0);
    assert.equal(heldOf(account, "a"), 8);
    assert.deepEqual(report(account, of, paced("b"), { allowed: 0, denied: 100 }, 900), { tokens: 0, lease: 2 });
    report(account, of, paced("a"), { allowed: 0, denied: 100 }, 950);
    // a has told that it used nothing, and is to hold less from now on; that counts when it says so again.
    assert.deepEqual(report(account, of, paced("b"), { allowed: 0, denied: 100 }, 960), { tokens: 0, lease: 4 });
    report(account, of, paced("a"), { allowed: 0, denied: 100 }, 980);
    const { tokens } = report(account, of, paced("b"), { allowed: 0, denied: 100 }, 990) as { tokens: number };
    assert.ok(tokens >= 3, String(tokens));
  });

  test("after a broken stream, the last answer may not have come", () => {
    const of = terms(8, "744h", { lease: "10s" });
    const account = open(of);
    report(account, of, paced("a"), { allowed: 0, denied: 100 }, 0);
    report(account, of, paced("b"), { allowed: 0, denied: 100 }, 50);
    // This answer, of fewer, is lost.
    const { tokens } = report(account, of, paced("a"), { allowed: 0, denied: 100 }, 100) as { tokens: number };
    assert.ok(tokens < 8);
    report(account, of, paced("a", "second"), { allowed: 0, denied: 100 }, 200);
    assert.equal(heldOf(account, "a"), 8);
  });

  test("with Envoy's own filter a new lease comes beside the old until it must have arrived", () => {
    const of = terms(100, "744h", { lease: "10s" });
    const account = open(of);
    const first = report(account, of, plain("a"), { allowed: 0, denied: 10 }, 0) as { tokens: number };
    const second = report(account, of, plain("a"), { allowed: 0, denied: 10 }, 1000) as { tokens: number };
    assert.equal(heldOf(account, "a"), first.tokens + second.tokens);
    report(account, of, plain("a"), { allowed: 0, denied: 10 }, 3000);
    const [[, at] = [0, 0]] = account.holders["a"]?.given ?? [];
    assert.equal(at, 1000, "the second has arrived, so the first is gone");
  });

  test("who uses nothing for ten leases is told to forget the bucket", () => {
    const of = terms(100, "100s", { lease: "1s" });
    const account = open(of);
    report(account, of, paced("a"), { allowed: 1, denied: 0 }, 0);
    const tell = (now: number): unknown => {
      const answer = report(account, of, paced("a"), { allowed: 0, denied: 0 }, now);
      return answer === "abandon" ? answer : answer.tokens;
    };
    for (let now = 500; now < 10_000; now += 500) assert.ok(Number(tell(now)) >= 24);
    assert.equal(tell(10_000), 1);
    assert.equal(tell(10_500), "abandon");
    advance(account, of, 60_000);
    assert.deepEqual(account.holders, {});
  });

  test("shares follow the demand", () => {
    const of = terms(1000, "1s");
    const account = open(of);
    for (let now = 0; now < 5000; now += 100) {
      for (const [id, each] of [
        ["busy", 95],
        ["calm", 2],
      ] as const) {
        const before = account.holders[id]?.held ?? 0;
        report(account, of, paced(id), { allowed: Math.min(each, before), denied: Math.max(0, each - before) }, now);
      }
    }
    assert.ok((heldOf(account, "busy") ?? 0) >= 190, JSON.stringify(account));
    assert.ok((heldOf(account, "calm") ?? 0) <= 250, JSON.stringify(account));
  });

  const firsts: [policy: "Allow" | "Deny" | "LocalShare", at: number, left: number][] = [
    ["Allow", 0, 100],
    ["Deny", 0, -20],
    ["Deny", 2000, 0],
    ["Deny", 3000, 10],
    ["LocalShare", 0, 10],
    ["LocalShare", 1000, 20],
    ["LocalShare", 1_000_000, 100],
  ];
  for (const [policy, at, left] of firsts) {
    test(`${policy}, ${String(at)} ms after counting began: ${String(left)} are left`, () => {
      const of = terms(100, "10s", { lease: "1s", onLoss: { policy, fraction: 0.1 } });
      assert.equal(partsAtFirst(of, 0, at) / of.partsPerToken, left);
    });
  }

  test("a clock that is set back gives nothing and holds nothing up", () => {
    const of = terms(10);
    const account = open(of);
    report(account, of, paced("a"), { allowed: 10, denied: 0 }, 10_000);
    report(account, of, paced("a"), { allowed: 0, denied: 1 }, 5_000);
    assert.equal(account.at, 10_000);
  });

  test("another quota for the bucket keeps what is left, and no more than its burst", () => {
    const of = terms(100);
    const account = open(of);
    report(account, of, paced("a"), { allowed: 40, denied: 0 }, 0);
    const smaller = terms(7, "3s");
    advance(account, smaller, 0);
    assert.ok(remaining(account) + (heldOf(account, "a") ?? 0) <= 7);
  });
});
