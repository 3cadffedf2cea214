// How far a fleet may overshoot, in simulated time: the bounds of docs/guides/fleet-limits.md. The reference is one token
// bucket of the quota through which every request of the fleet goes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { quotaTerms, type QuotaTerms } from "../model/index.ts";
import { GRACE_MS } from "./account.ts";
import { simulate, type Plan, type SidecarPlan } from "./simulation.ts";

const DURATION_MS = 20_000;

const time = fc.integer({ min: 0, max: DURATION_MS });

/** Few are as likely as many: less than one a lease is where mistakes show. */
const amount = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 300 }));

const quota = (policy: "Allow" | "Deny" | "LocalShare"): fc.Arbitrary<QuotaTerms> =>
  fc
    .record({
      requests: amount,
      period: fc.constantFrom("1s", "3s", "10s", "1m", "24h"),
      burst: amount,
      lease: fc.constantFrom("1s", "2s", "5s"),
    })
    .map((numbers) => quotaTerms({ domain: "d", bucket: { k: "v" }, ...numbers, onLoss: { policy, fraction: 0.1 } }));

const sidecar = (isPaced: fc.Arbitrary<boolean>): fc.Arbitrary<SidecarPlan> =>
  fc.record({
    isPaced,
    joins: fc.oneof(fc.constant(0), time),
    leaves: fc.oneof(fc.constant(DURATION_MS), time),
    rates: fc.array(fc.constantFrom(0, 1, 5, 30, 100), { minLength: 1, maxLength: 4 }),
    partitions: fc.array(
      fc.tuple(time, fc.integer({ min: 1, max: 8000 })).map(([from, length]) => [from, from + length] as const),
      { maxLength: 4 },
    ),
  });

const seed = fc.integer({ min: 1, max: 0x7fff_ffff });

/** Numbers from 0 to 1 by a linear congruential generator (the constants are those of Numerical Recipes). */
function randomFrom(from: number): () => number {
  let state = from >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 0x1_0000_0000;
}

interface Parts {
  readonly terms: QuotaTerms;
  readonly sidecars: readonly SidecarPlan[];
  readonly delayMs: number;
  readonly restarts: readonly number[];
  readonly from: number;
}

const plan = ({ from, ...rest }: Parts): Plan => ({ ...rest, durationMs: DURATION_MS, random: randomFrom(from) });

/** A number that is too large by a rounding error of the reference is not. */
const EPSILON = 1e-6;

function check(parts: fc.Arbitrary<Parts>, bound: (plan: Plan) => number, numRuns = 150): void {
  fc.assert(
    fc.property(parts, (drawn) => {
      const drawnPlan = plan(drawn);
      const { overshoot } = simulate(drawnPlan);
      assert.ok(
        overshoot <= bound(drawnPlan) + EPSILON,
        `${String(overshoot)} over, at most ${String(bound(drawnPlan))}`,
      );
    }),
    { numRuns },
  );
}

const fleet = (isPaced: fc.Arbitrary<boolean>): fc.Arbitrary<readonly SidecarPlan[]> =>
  fc.array(sidecar(isPaced), { minLength: 1, maxLength: 8 });

describe("how far the fleet overshoots", () => {
  test("by nothing, with this project's filter, however long messages take", () => {
    check(
      fc.record({
        terms: quota("Deny"),
        sidecars: fleet(fc.constant(true)),
        delayMs: fc.constantFrom(0, 5, 300, 10_000),
        restarts: fc.constant([]),
        from: seed,
      }),
      () => 0,
    );
  });

  test("by nothing, with Envoy's own filter, while messages take less than the grace", () => {
    check(
      fc.record({
        terms: quota("Deny"),
        sidecars: fleet(fc.constant(false)),
        delayMs: fc.constantFrom(0, 5, 300, GRACE_MS),
        restarts: fc.constant([]),
        from: seed,
      }),
      () => 0,
    );
  });

  test("by nothing, with both, where counts are lost and the policy is Deny", () => {
    check(
      fc.record({
        terms: quota("Deny"),
        sidecars: fleet(fc.boolean()),
        delayMs: fc.constantFrom(0, 5, 300, GRACE_MS),
        restarts: fc.array(time, { maxLength: 3 }),
        from: seed,
      }),
      () => 0,
    );
  });

  test("by a burst for each loss of the counts with Allow", () => {
    check(
      fc.record({
        terms: quota("Allow"),
        sidecars: fleet(fc.boolean()),
        delayMs: fc.constantFrom(0, 300),
        restarts: fc.array(time, { maxLength: 3 }),
        from: seed,
      }),
      ({ terms, restarts }) => terms.burst * restarts.length,
    );
  });

  test("by the share and what comes back in a lease for each loss with LocalShare", () => {
    check(
      fc.record({
        terms: quota("LocalShare"),
        sidecars: fleet(fc.boolean()),
        delayMs: fc.constantFrom(0, 300),
        restarts: fc.array(time, { maxLength: 3 }),
        from: seed,
      }),
      ({ terms: { burst, requests, periodMs, leaseMs, onLoss }, restarts }) =>
        Math.min(burst, onLoss.fraction * burst + (requests / periodMs) * (leaseMs + GRACE_MS)) * restarts.length,
    );
  });

  test("by what sidecars without a lease let pass by their own share", () => {
    check(
      fc.record({
        terms: quota("Deny"),
        sidecars: fleet(fc.constant(true)).map((sidecars) =>
          sidecars.map((one) => ({ ...one, fallback: { rate: 2, burst: 3 } })),
        ),
        delayMs: fc.constantFrom(0, 300),
        restarts: fc.constant([]),
        from: seed,
      }),
      ({ sidecars }) => sidecars.length * (3 + (2 * DURATION_MS) / 1000),
    );
  });
});

describe("how much of the quota a fleet uses", () => {
  const steady = (rates: readonly number[], isPaced = true): SidecarPlan[] =>
    rates.map((rate) => ({ isPaced, joins: 0, leaves: DURATION_MS, rates: [rate], partitions: [] }));
  const terms = (requests: number, period: string): QuotaTerms =>
    quotaTerms({
      domain: "d",
      bucket: { k: "v" },
      requests,
      period,
      onLoss: { policy: "Allow", fraction: 0.1 },
    });
  const perSecond = terms(1000, "1s");
  const perTenSeconds = terms(10_000, "10s");
  const used = (sidecars: readonly SidecarPlan[], of = perSecond): number => {
    const { passed, asked } = simulate({ ...plan({ terms: of, sidecars, delayMs: 5, restarts: [], from: 1 }) });
    const seconds = DURATION_MS / 1000;
    return passed.length / Math.min(asked, of.burst + (of.requests / of.periodMs) * 1000 * seconds);
  };

  const loads: [what: string, sidecars: SidecarPlan[], least: number, terms?: QuotaTerms][] = [
    ["20 sidecars with 100 requests a second each", steady(Array<number>(20).fill(100)), 0.9],
    ["one of 20 has nine tenths of the load", steady([1800, ...Array<number>(19).fill(10)]), 0.9],
    ["less is asked than the quota", steady(Array<number>(20).fill(25)), 0.97],
    ["one sidecar alone", steady([1500]), 0.9],
    ["20 of Envoy's own filter, a quota of 10 s", steady(Array<number>(20).fill(100), false), 0.75, perTenSeconds],
  ];
  for (const [what, sidecars, least, terms] of loads) {
    test(`${what}: at least ${String(least * 100)} % of what could pass does`, () => {
      const share = used(sidecars, terms);
      assert.ok(share >= least, `${(share * 100).toFixed(1)} %`);
    });
  }
});

/** What the first property found: two sidecars share a quota of less than one request a lease, and one joins late. */
const KNOWN: Parts = {
  terms: {
    burst: 1,
    partsPerToken: 30_000,
    partsPerMs: 23,
    requests: 46,
    periodMs: 60_000,
    leaseMs: 1_000,
    onLoss: { policy: "Deny", fraction: 0.1 },
  },
  sidecars: [
    { isPaced: true, joins: 0, leaves: 20_000, rates: [5, 100], partitions: [[339, 4050]] },
    { isPaced: true, joins: 6666, leaves: 10_560, rates: [1], partitions: [] },
    { isPaced: true, joins: 0, leaves: 3306, rates: [30, 0], partitions: [] },
    { isPaced: true, joins: 7, leaves: 577, rates: [5, 0], partitions: [] },
    { isPaced: true, joins: 11_061, leaves: 20_000, rates: [1], partitions: [] },
  ],
  delayMs: 5,
  restarts: [],
  from: 4,
};

test("a quota of less than one request a lease", () => {
  assert.ok(simulate(plan(KNOWN)).overshoot <= EPSILON);
});
