import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { AnalysisSpec, CheckSpec } from "../model/index.ts";
import { Analysis } from "./analysis.ts";

const none = { of: 0, all: 0 };
const slow: CheckSpec = { metric: "Slow", quantile: 0.95, tolerated: 1.5, minRate: 0.001 };
const errors: CheckSpec = { metric: "Errors", tolerated: 1.5, minRate: 0.001 };

function analysis(checks: readonly CheckSpec[] = [errors], more: Partial<AnalysisSpec> = {}): Analysis {
  return new Analysis({ minRequests: 100, falseAlarms: 0.001, checks, ...more });
}

/** Windows that are all alike: events of 100 watched, and of 900 others or before. */
function after(windows: number, events: number, others: Partial<Record<"control" | "before", number>>): Analysis {
  const result = analysis();
  for (let i = 0; i < windows; i++) {
    result.addRequests(100);
    result.add(0, {
      watched: { of: events, all: 100 },
      control: others.control === undefined ? none : { of: others.control, all: 900 },
      before: others.before === undefined ? none : { of: others.before, all: 900 },
    });
  }
  return result;
}

describe("the analysis of a rollout", () => {
  it("is undecided until there were enough requests, in each wave again", () => {
    const one = analysis();
    one.addRequests(99);
    assert.deepEqual(one.verdict(), {
      kind: "Undecided",
      findings: ["99 of 100 requests", "Errors: 0 % of 0 requests"],
    });
    one.addRequests(1);
    assert.equal(one.verdict().kind, "Good");
    one.nextWave();
    assert.equal(one.verdict().kind, "Undecided");
  });

  it("finds more errors than the others have, and says so", () => {
    const verdict = after(10, 4, { control: 1 }).verdict();
    assert.ok(verdict.kind === "Bad");
    assert.equal(verdict.reason.kind, "Worse");
    assert.equal(verdict.reason.message, "Errors: 4 % of 1000 requests, others 0.111 % of 9000");
  });

  it("judges by a limit where there are neither others nor a time before", () => {
    assert.equal(after(10, 4, {}).verdict().kind, "Good");
    const verdict = after(10, 9, {}).verdict();
    assert.ok(verdict.kind === "Bad");
    assert.equal(verdict.reason.message, "Errors: 9 % of 1000 requests, at most 5 %");
    const lenient = analysis([{ ...errors, maxRate: 0.2 }, slow]);
    lenient.addRequests(1000);
    for (const check of [0, 1]) lenient.add(check, { watched: { of: 90, all: 1000 }, control: none, before: none });
    assert.equal(lenient.verdict().kind, "Good");
  });

  it("takes it for no fault that a sidecar is as much slower than the others as it was before", () => {
    const figures = { watched: { of: 12, all: 100 }, control: { of: 45, all: 900 } };
    const past = { before: { of: 720, all: 6_000 }, controlBefore: { of: 2_700, all: 54_000 } };
    const [usual, without] = [analysis([slow]), analysis([slow])];
    for (let i = 0; i < 20; i++) {
      for (const one of [usual, without]) one.addRequests(100);
      usual.add(0, { ...figures, ...past });
      without.add(0, { ...figures, before: past.before });
    }
    assert.equal(without.verdict().kind, "Bad");
    assert.equal(usual.verdict().kind, "Good");
    // It has got worse all the same.
    for (let i = 0; i < 20; i++) usual.add(0, { ...figures, ...past, watched: { of: 36, all: 100 } });
    assert.equal(usual.verdict().kind, "Bad");
  });

  it("excuses no failures by those of before, which may be those of an earlier version", () => {
    const one = analysis();
    one.addRequests(1_000);
    const past = { before: { of: 300, all: 6_000 }, controlBefore: { of: 0, all: 54_000 } };
    for (let i = 0; i < 10; i++) one.add(0, { watched: { of: 2, all: 100 }, control: { of: 0, all: 900 }, ...past });
    assert.equal(one.verdict().kind, "Bad");
  });

  it("asks for more evidence where groups of sidecars without the version differ by more than chance", () => {
    const found = (dispersion: number): number => {
      const one = analysis();
      one.add(0, { watched: { of: 10, all: 100 }, control: { of: 9, all: 900 }, before: none, dispersion });
      return one.evidence.checks[0]?.evidence ?? NaN;
    };
    assert.equal(found(1.5), found(1));
    assert.ok(found(5) < found(1) ** 0.5 && found(5) > 1);
  });

  it("holds the wave while more errors are seen than can be explained, though not enough to say so", () => {
    const one = after(1, 0, { control: 0 });
    assert.equal(one.verdict().kind, "Good");
    one.add(0, { watched: { of: 3, all: 100 }, control: { of: 0, all: 900 }, before: none });
    const verdict = one.verdict();
    assert.equal(verdict.kind, "Undecided");
    assert.match(verdict.findings[0] ?? "", /^in doubt, Errors: 1.5 % of 200 requests, others 0 % of 1800$/);
    // The others have as many by and by: it was chance.
    for (let i = 0; i < 20; i++) {
      one.add(0, { watched: { of: 1, all: 100 }, control: { of: 9, all: 900 }, before: none });
    }
    assert.equal(one.verdict().kind, "Good");
  });

  it("tolerates as many errors as the others have", () => {
    assert.equal(after(200, 2, { control: 18 }).verdict().kind, "Good");
    assert.equal(after(200, 3, { control: 18 }).verdict().kind, "Good", "one and a half times as many");
  });

  it("compares with the time before where nobody has the old version", () => {
    assert.equal(after(20, 2, { before: 18 }).verdict().kind, "Good");
    assert.equal(after(20, 10, { before: 9 }).verdict().kind, "Bad");
  });

  it("does not mind a rate below the least that counts", () => {
    const one = analysis([{ ...errors, minRate: 0.05 }]);
    for (let i = 0; i < 20; i++) {
      one.addRequests(100);
      one.add(0, { watched: { of: 4, all: 100 }, control: { of: 0, all: 900 }, before: none });
    }
    assert.equal(one.verdict().kind, "Good");
  });

  it("takes more than the most that may be for bad, but not by one failure among a few requests", () => {
    const one = analysis([{ ...errors, tolerated: 1000, maxRate: 0.1 }]);
    one.add(0, { watched: { of: 1, all: 3 }, control: none, before: none });
    assert.notEqual(one.verdict().kind, "Bad");
    one.add(0, { watched: { of: 30, all: 200 }, control: none, before: none });
    assert.equal(one.verdict().kind, "Bad");
  });

  it("takes a trapped VM for bad at once", () => {
    const one = after(10, 0, { control: 0 });
    one.addVmFailures("n1", 0);
    assert.equal(one.verdict().kind, "Good");
    one.addVmFailures("n1", 2);
    const verdict = one.verdict();
    assert.ok(verdict.kind === "Bad");
    assert.deepEqual(verdict.reason, {
      kind: "VmFailure",
      message: "the filter trapped 2 times in the sidecar n1",
      nodes: ["n1"],
    });
  });
});
