import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import type { RolloutReport, RunReport, WaveReport } from "../../api/index.ts";
import { loadModel } from "../../model/index.ts";
import { formatRollout } from "./format.ts";

const guide = readFileSync(new URL("../../../docs/guides/ship-to-10000-sidecars.md", import.meta.url), "utf8");

/** What a run of three waves of twelve sidecars looks like. */
function report(
  states: readonly WaveReport["state"][],
  running: readonly number[],
  run: Partial<RunReport>,
): RolloutReport {
  return {
    ...{ name: "faulty", state: "Settled", why: null, stable: "", desired: "", source: "", refused: [] },
    targets: [{ kind: "FilterPolicy", name: "faulty" }],
    run: {
      ...{ number: 2, phase: "Promoted", undo: false, startedBy: "source", from: "", to: "", touched: 2, reason: null },
      ...{ startedAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T00:00:29.4Z", waitsFor: null, sidecars: [] },
      waves: states.map((state, i) => ({
        ...{ number: i + 1, name: null, percentage: [16, 50, 100][i] ?? 0, state, approval: "None" },
        ...{ sidecars: running[i] ?? 0, running: state === "Good" ? (running[i] ?? 0) : 0, bakesForSeconds: null },
        findings: [],
      })),
      ...{ evidence: null, ...run },
    },
  };
}

const check = (name: "Errors" | "Slow" | "Denials", watched: number, all: number, control: number, of: number) => ({
  ...{ name, metric: name, alarm: 1000, bad: false },
  ...{ watched: { of: watched, all }, control: { of: control, all: of } },
});

describe("docs/guides/ship-to-10000-sidecars.md", () => {
  it("shows a run that went well as it is printed", () => {
    const checks = [
      { ...check("Errors", 0, 4646, 0, 2167), evidence: 0.042 },
      { ...check("Slow", 31, 4646, 24, 1982), evidence: 1.3e-23 },
      { ...check("Denials", 0, 4646, 0, 2167), evidence: 0.042 },
    ];
    const evidence = { requests: 4030, minRequests: 500, checks, vmFailures: {} };
    const lines = formatRollout(report(["Good", "Good", "Good"], [2, 6, 12], { touched: 12, evidence }));
    assert.ok(guide.includes(lines.join("\n")), lines.join("\n"));
  });

  it("shows a run that went back as it is printed", () => {
    const message = "the filter trapped 71 times in 2 sidecars";
    const reason = { kind: "VmFailure", title: "filter trapped", message, nodes: ["pay-0", "pay-3"] };
    const vmFailures = { "pay-0": 78, "pay-3": 81 };
    const run: Partial<RunReport> = {
      ...{ phase: "RolledBack", reason, endedAt: "2026-01-01T00:00:06.1Z" },
      evidence: { requests: 0, minRequests: 500, checks: [], vmFailures },
    };
    const held = { ...report(["Bad", "Pending", "Pending"], [2, 2, 2], run), state: "Held" as const };
    const lines = formatRollout({ ...held, why: `run 2 was rolled back: ${message}` });
    for (const line of [...lines.slice(0, 4), ...lines.slice(-2)]) assert.ok(guide.includes(`\n${line}\n`), line);
  });

  it("has a Rollout that is valid", () => {
    const [, example = ""] = /```yaml\n(.*?)```/s.exec(guide) ?? [];
    const others = [
      "kind: Service, metadata: { name: shop }, spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 80, sidecar: { node: n, inboundPort: 1 } }] }",
      "kind: WasmModule, metadata: { name: shop-authz }, spec: { file: a.wasm }",
      "kind: FilterPolicy, metadata: { name: shop-authz }, spec: { targetRefs: [{ name: shop }], module: shop-authz }",
    ].map((text) => `{ apiVersion: meshwright.dev/v1alpha1, ${text} }`);
    const text = [example.replaceAll(/^ {3}/gm, ""), ...others].join("\n---\n");
    const result = loadModel([{ path: "guide.yaml", text }]);
    assert.deepEqual(result.ok ? [] : result.problems, []);
  });
});
