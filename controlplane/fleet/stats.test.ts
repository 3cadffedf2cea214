import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import type { Figures } from "./index.ts";
import { KeptNames, mergeTotals, NodeStats, type Report, type Sample, type Totals } from "./index.ts";

const START = 1_700_000_000_000;
const COMPLETED = "http.inbound.downstream_rq_completed";
const ERRORS = "http.inbound.downstream_rq_5xx";
const TIME = "http.inbound.downstream_rq_time";

function report(counters: Readonly<Record<string, number>>, gauges: Readonly<Record<string, number>> = {}): Report {
  return { counters: Object.entries(counters), gauges: Object.entries(gauges), histograms: [] };
}

/** Statistics of one node that reported a counter and its uptime at some seconds. */
function reported(...reports: readonly (readonly [second: number, value: number, uptime?: number])[]): NodeStats {
  const stats = new NodeStats();
  for (const [second, value, uptime] of reports) {
    const gauges = uptime === undefined ? {} : { "server.uptime": uptime };
    stats.record("n", report({ [COMPLETED]: value }, gauges), START + second * 1_000);
  }
  return stats;
}

const requests = (stats: NodeStats, from: number, to: number): number =>
  stats.figures(["n"], START + from * 1_000, START + to * 1_000).requests;

test("windows are as long as they are told to be", () => {
  const of = (windowMs: number, from: number, to: number): number => {
    const stats = new NodeStats({ windowMs });
    for (let second = 0; second < 90; ++second)
      stats.record("n", report({ [COMPLETED]: second }), START + second * 1_000);
    return requests(stats, from, to);
  };
  // Half a second after the window began, so that the windows of both ends are over.
  assert.deepEqual([of(1_000, 60.5, 63.5), of(1_000, 31.5, 88.5)], [3, 57]);
  assert.deepEqual([of(5_000, 60.5, 63.5), of(5_000, 60.5, 66.5)], [0, 5]);
});

describe("counters", () => {
  test("the first report of a process that runs for long tells what was before", () => {
    assert.equal(requests(reported([0, 1_000, 900]), -10, 10), 0);
    assert.equal(requests(reported([0, 1_000]), -10, 10), 0);
    assert.equal(requests(reported([0, 1_000, 900], [5, 1_010, 905]), -10, 10), 10);
  });

  test("the first report of a young process tells what it did", () => {
    const stats = reported([0, 7, 4]);
    assert.equal(requests(stats, -10, 10), 7);
    assert.equal(stats.figures(["n"], START - 10_000, START).observedSeconds, 4);
  });

  test("a statistic that is new in a later report began at 0", () => {
    const stats = reported([0, 1_000, 900]);
    stats.record("n", report({ [COMPLETED]: 1_000, [ERRORS]: 3 }), START + 5_000);
    assert.equal(stats.figures(["n"], START - 10_000, START + 5_000).errors5xx, 3);
  });

  test("the first report may come in several messages", () => {
    const stats = reported([0, 1_000]);
    stats.record("n", report({ [ERRORS]: 100 }), START + 10);
    assert.equal(stats.figures(["n"], START - 10_000, START + 5_000).errors5xx, 0);
  });

  test("one that is lower than before was made anew", () => {
    assert.equal(requests(reported([0, 1_000, 900], [5, 30, 905]), -10, 10), 30);
  });

  test("after a restart all began anew, also those that are not lower", () => {
    assert.equal(requests(reported([0, 100, 900], [20, 150, 10]), -10, 30), 150);
    // Both processes were as old when they told, but the time between is too long for one.
    assert.equal(requests(reported([0, 100, 30], [300, 150, 40]), -10, 310), 150);
    assert.equal(requests(reported([0, 100, 30], [300, 150, 330]), -10, 310), 50);
  });

  test("a report that was lost, and time that goes back, lose nothing", () => {
    assert.equal(requests(reported([0, 100, 30], [60, 400, 90]), 0, 60), 300);
    assert.equal(requests(reported([0, 100, 30], [60, 400, 90], [30, 500, 95]), 0, 60), 400);
  });
});

describe("windows", () => {
  const each5s = Array.from({ length: 721 }, (_, i) => [i * 5, i * 10, 900 + i * 5] as const);
  const stats = reported(...each5s);

  test("what came in a span of time, to 5 seconds in the last minute and to a minute before", () => {
    assert.equal(requests(stats, 3_590, 3_600), 20);
    assert.equal(requests(stats, 3_591, 3_600), 20);
    assert.equal(requests(stats, 3_545, 3_560), 30);
    // 17:13:20 and an hour: minutes end 40 s later.
    assert.equal(requests(stats, 3_000, 3_060), 120);
    assert.equal(requests(stats, 3_030, 3_040), 120);
    assert.equal(requests(stats, 3_045, 3_099), 0);
  });

  test("nothing is told apart that is older than half an hour", () => {
    assert.equal(requests(stats, 0, 1_000), 0);
    assert.equal(requests(stats, -Infinity, 3_600), requests(stats, 1_760, 3_600));
  });

  test("what comes later is in no earlier span", () => {
    assert.equal(requests(stats, 3_600, 4_000), 0);
    assert.equal(stats.figures(["n"], START + 3_605_000, START + 4_000_000).sidecars, 0);
    assert.equal(stats.figures(["n"], START - 10_000, START - 5_000).sidecars, 0);
  });
});

describe("figures of a group", () => {
  const stats = new NodeStats();
  for (const [node, at, scale] of [
    ["a", 0, 1],
    ["b", 3_000, 10],
  ] as const) {
    const first = report({ [COMPLETED]: 0, "wasmcustom.authz.allowed": 0 }, { "server.uptime": 900 });
    stats.record(node, first, START + at);
    const more = report(
      {
        [COMPLETED]: 10 * scale,
        [ERRORS]: scale,
        "http.outbound.downstream_rq_completed": 5 * scale,
        "wasm.web-authz.vm_reload_success": scale,
        "wasm.web-authz.vm_reload_backoff": scale,
        "wasmcustom.authz.allowed": 8 * scale,
        "wasmcustom.authz.denied.no_rule": scale,
        "wasmcustom.authz.denied.rule": scale,
        "wasmcustom.ratelimit.per-client.limited": scale,
        "wasmcustom.ratelimit.per-client.shadow_limited": scale,
      },
      { "server.uptime": 905, "server.memory_allocated": 1_000_000 * scale },
    );
    const bins = [
      { low: 1, width: 1, count: 9 * scale },
      { low: 100, width: 20, count: scale },
    ];
    stats.record(node, { ...more, histograms: [[TIME, bins]] }, START + at + 5_000);
  }
  const both = stats.figures(["a", "b", "stranger"], START, START + 10_000);

  test("are added up", () => {
    assert.equal(both.sidecars, 2);
    assert.equal(both.observedSeconds, 10);
    assert.equal(both.requests, 165);
    assert.equal(both.http("inbound").requests, 110);
    assert.equal(both.errors5xx, 11);
    assert.equal(both.vmFailures, 22);
    assert.equal(both.denials, 33);
    assert.deepEqual(both.memory, { sidecars: 2, sum: 11_000_000, min: 1_000_000, max: 10_000_000 });
    assert.equal(both.stat("wasmcustom.authz.allowed"), 88);
    assert.equal(both.stat("server.memory_allocated"), 5_500_000);
    assert.equal(both.stat("nothing"), undefined);
    assert.equal(both.latencyMs.count, 110);
    assert.ok(Math.abs((both.latencyMs.quantile(0.5) ?? 0) - (1 + 55 / 99)) < 1e-9);
    assert.ok((both.latencyMs.quantile(0.95) ?? 0) >= 100);
  });

  test("nobody has no figures", () => {
    const none = stats.figures([], START, START + 10_000);
    assert.deepEqual([none.sidecars, none.requests, none.memory], [0, 0, undefined]);
    assert.equal(none.latencyMs.quantile(0.5), undefined);
  });

  test("totals have what was counted before the first report too", () => {
    const old = reported([0, 1_000, 900], [5, 1_010, 905], [10, 4, 1]);
    assert.deepEqual([...old.totals((name) => name === COMPLETED).counters], [[COMPLETED, 1_014]]);
  });
});

describe("bounds", () => {
  test("the statistics of a node, and the nodes, are bounded in number", () => {
    const stats = new NodeStats({ names: new KeptNames([""]), maxStats: 2, maxNodes: 2, retentionMs: 25 });
    stats.record("n1", report({ a1: 1, a2: 1, a3: 1 }), 10);
    stats.record("n1", report({ a2: 5 }), 20);
    assert.deepEqual(
      [...stats.of("n1")].map(([name, { value, at }]) => [name, value, at]),
      [
        ["a1", 1, 10],
        ["a2", 5, 20],
      ],
    );
    stats.record("n2", report({}), 30);
    stats.record("n1", report({}), 40);
    stats.record("n3", report({ a: 1 }), 41);
    assert.equal(stats.reportedAt("n2"), undefined, "reported longest ago");
    stats.record("n3", report({}), 66);
    assert.equal(stats.reportedAt("n1"), undefined, "reported too long ago");
    assert.equal(stats.of("n3").size, 1);
  });

  test("the course of many statistics takes no more than so much, and judgement finds room beside them", () => {
    const stats = new NodeStats({ names: new KeptNames([""]), maxColumns: 200 });
    for (const value of [0, 1]) {
      const many = Array.from({ length: 300 }, (_, i): Sample => [`cluster.c${i}.upstream_rq_completed`, value]);
      stats.record("n", { counters: many, gauges: [], histograms: [] }, START + value * 5_000);
    }
    stats.record("n", report({ [COMPLETED]: 9 }), START + 5_000);
    const { totals, requests } = stats.figures(["n"], START, START + 5_000);
    assert.equal(requests, 9);
    assert.equal(totals.counters.size, 200 - 128 + 1);
  });

  test("statistics that are gone, and those that stand still, make room", () => {
    const stats = new NodeStats({ names: new KeptNames([""]), maxColumns: 130, maxStats: 3 });
    const at = (minutes: number): number => START + minutes * 60_000;
    stats.record("n", report({ a: 0, b: 0 }), at(0));
    stats.record("n", report({ a: 1, b: 1, c: 1 }), at(1));
    assert.equal(stats.figures(["n"], at(0), at(1)).totals.counters.size, 2);
    stats.record("n", report({ a: 1, b: 2, c: 2, d: 1 }), at(2));
    assert.deepEqual([...stats.of("n").keys()], ["a", "b", "c"]);
    stats.record("n", report({ b: 2, c: 2, d: 1 }), at(40));
    assert.deepEqual([...stats.of("n").keys()], ["b", "c", "d"]);
    stats.record("n", report({ b: 2, c: 5, d: 4 }), at(42));
    assert.deepEqual([...stats.figures(["n"], at(40), at(42)).totals.counters].sort(), [
      ["c", 3],
      ["d", 3],
    ]);
    assert.equal(stats.totals((name) => name === "b").counters.get("b"), 2);
  });

  test("names are decided on once, and made up ones do not fill the memory", () => {
    const names = KeptNames.default(["mine."]);
    const copy = names.find(["wasm", "x"].join("."));
    assert.equal(copy, "wasm.x");
    for (const [name, isKept] of [
      ["mine.own", true],
      ["cluster.outbound|db.shop|80.upstream_rq_5xx", true],
      ["cluster.outbound|db|80.external.upstream_rq_5xx", false],
      ["cluster.outbound|db|80.upstream_cx_total", false],
      ["cluster.meshwright-xds.upstream_rq_completed", false],
      ["cluster.meshwright-modules.upstream_rq_5xx", true],
      ["cluster.meshwright-modules.upstream_rq_completed", false],
      ["http.admin.downstream_rq_completed", false],
      [`wasm.${"x".repeat(600)}`, false],
    ] as const) {
      assert.equal(names.find(name), isKept ? name : undefined, name);
    }
    for (let i = 0; i < 60_000; ++i) names.find(`made.up.${i}`);
    assert.equal(names.find("wasm.x"), "wasm.x");
  });
});

describe("for any reports", () => {
  const sample = fc.tuple(fc.constantFrom(COMPLETED, ERRORS, "wasm.x", "wasmcustom.y"), fc.nat(1_000));
  const bin = fc.record({ low: fc.nat(5), width: fc.integer({ min: 1, max: 3 }), count: fc.nat(9) });
  const anyReport = fc.record({
    counters: fc.array(sample, { maxLength: 4 }),
    gauges: fc.array(fc.tuple(fc.constantFrom("server.uptime", "server.memory_allocated"), fc.nat(1_000)), {
      maxLength: 2,
    }),
    histograms: fc.array(fc.tuple(fc.constantFrom(TIME, "wasmcustom.h"), fc.array(bin, { maxLength: 3 })), {
      maxLength: 2,
    }),
  });
  const anyReports = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(400), anyReport), { maxLength: 20 });
  const second = fc.integer({ min: -100, max: 5_000 });

  function statsOf(reports: readonly (readonly [string, number, Report])[]): NodeStats {
    const stats = new NodeStats({ maxColumns: 1_000 });
    let now = START;
    for (const [node, seconds, one] of reports) stats.record(node, one, (now += seconds * 1_000));
    return stats;
  }
  const plain = ({ sidecars, observedMs, counters, gauges, histograms }: Totals): object => ({
    sidecars,
    observedMs,
    counters: [...counters].sort(),
    gauges: [...gauges].sort(),
    histograms: [...histograms].sort().map(([name, bins]) => [name, bins.filter(({ count }) => count > 0)]),
  });

  test("nothing is ever negative", () => {
    fc.assert(
      fc.property(anyReports, second, second, (reports, from, to) => {
        const { counters, histograms } = statsOf(reports).figures(
          ["a", "b", "c"],
          START + from * 1_000,
          START + to * 1_000,
        ).totals;
        for (const count of counters.values()) assert.ok(count > 0);
        for (const bins of histograms.values()) for (const { count } of bins) assert.ok(count > 0);
      }),
    );
  });

  test("groups add up, in whatever order they are merged", () => {
    fc.assert(
      fc.property(anyReports, second, second, (reports, from, to) => {
        const stats = statsOf(reports);
        const of = (...nodes: string[]): Figures => stats.figures(nodes, START + from * 1_000, START + to * 1_000);
        const whole = plain(of("a", "b", "c").totals);
        assert.deepEqual(plain(of("a").merge(of("b")).merge(of("c")).totals), whole);
        assert.deepEqual(plain(of("a").merge(of("b").merge(of("c"))).totals), whole);
        assert.deepEqual(plain(of("c", "a").merge(of("b")).totals), whole);
      }),
    );
  });

  test("spans of time that follow one another add up", () => {
    fc.assert(
      fc.property(anyReports, fc.tuple(second, second, second), (reports, seconds) => {
        const stats = statsOf(reports);
        const [a, b, c] = seconds.sort((x, y) => x - y).map((at) => START + at * 1_000) as [number, number, number];
        const of = (from: number, to: number): Totals => stats.figures(["a", "b", "c"], from, to).totals;
        const sum = mergeTotals(of(a, b), of(b, c));
        assert.deepEqual([...sum.counters].sort(), [...of(a, c).counters].sort());
        assert.equal(sum.observedMs, of(a, c).observedMs);
      }),
    );
  });

  test("all that a process counted is there, whatever reports were lost", () => {
    const growing = fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 60 }), fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(growing, (steps) => {
        const stats = reported([0, 0, 900]);
        let [value, now, told] = [0, 0, 0];
        for (const [more, seconds, isLost] of steps) {
          value += more;
          now += seconds;
          if (isLost) continue;
          told = value;
          stats.record("n", report({ [COMPLETED]: value }, { "server.uptime": 900 + now }), START + now * 1_000);
        }
        assert.equal(requests(stats, -Infinity, now), told);
      }),
    );
  });
});
