import assert from "node:assert/strict";
import { test } from "node:test";
import { addFigures, readFigures } from "./envoy-stats.ts";
import { experimentsOf } from "./experiments.ts";
import { standingsOf } from "./standing.ts";

const experiments = experimentsOf({
  experiments: [
    {
      name: "shop",
      measure: true,
      default: "old",
      split: {
        variants: [
          { name: "new", weight: 2500 },
          { name: "old", weight: 5000 },
          { name: "new", weight: 2500 },
        ],
      },
    },
    { name: "unmeasured", default: "a", split: { variants: [{ name: "a", weight: 10_000 }] } },
    { name: "unsplit", measure: true, default: "a" },
  ],
});

const counter = (name: string, value: number): object => ({ name: `wasmcustom.ab.shop.${name}`, value });
const latency = (variant: string, bins: readonly (readonly [number, number])[]): object => ({
  name: `wasmcustom.ab.shop.${variant}.latency_ms`,
  totals: bins.map(([low, count]) => ({ lower_bound: low, width: 1, count })),
  intervals: [],
});

/** Aspirin and heart attacks (Agresti, Categorical Data Analysis, section 2.1), seen by two Envoys. */
const answers = [
  {
    stats: [
      counter("new.requests", 11_000),
      counter("new.errors", 100),
      counter("new.exposed", 480),
      counter("old.requests", 11_034),
      counter("old.errors", 189),
      counter("old.exposed", 300),
      { name: "wasmcustom.other", value: 1 },
      { histograms: { supported_percentiles: [], details: [latency("new", [[10, 60]])] } },
    ],
  },
  {
    stats: [
      counter("new.requests", 37),
      counter("new.errors", 4),
      counter("new.exposed", 20),
      counter("old.exposed", 200),
      {
        histograms: {
          supported_percentiles: [],
          details: [
            latency("new", [
              [10, 30],
              [200, 10],
            ]),
          ],
        },
      },
    ],
  },
];

test("figures of several Envoys are added up and compared with the default", () => {
  const [shop, ...others] = standingsOf(experiments, addFigures(answers.map(readFigures)));
  assert.deepEqual(others, []);
  const [fresh, old] = shop?.variants ?? [];
  assert.deepEqual(
    [fresh?.name, fresh?.weight, fresh?.keys, fresh?.requests, fresh?.errors],
    ["new", 0.5, 500, 11_037, 104],
  );
  assert.ok(Math.abs((fresh?.difference?.pValue ?? 1) * 1e7 - 5.692) < 0.001);
  assert.ok((fresh?.difference?.interval[1] ?? 0) < 0);
  assert.ok(Math.abs((fresh?.latencyMs?.p50 ?? 0) - (10 + 50 / 90)) < 1e-9);
  assert.ok(Math.abs((fresh?.latencyMs?.p99 ?? 0) - 200.9) < 1e-9);
  assert.equal(old?.difference, undefined);
  assert.equal(old?.latencyMs, undefined);
  assert.equal(shop?.sampleRatio.mismatch, false);
  assert.equal(shop.sampleRatio.pValue, 1);
});

test("a sample ratio mismatch is found", () => {
  const counters = new Map([
    ["shop.new.exposed", 440],
    ["shop.old.exposed", 560],
  ]);
  const [shop] = standingsOf(experiments, { counters, histograms: new Map() });
  // 60^2 / 500, twice.
  assert.ok(Math.abs((shop?.sampleRatio.statistic ?? 0) - 14.4) < 1e-9);
  assert.equal(shop?.sampleRatio.mismatch, true);
  assert.deepEqual(
    shop.variants.map(({ errorRate }) => errorRate),
    [undefined, undefined],
  );
});

test("what is no answer of Envoy is an error", () => {
  for (const answer of [null, [], {}, { stats: 1 }]) assert.throws(() => readFigures(answer), /expected statistics/);
});
