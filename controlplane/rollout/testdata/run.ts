import type { RolloutSpec, WaveSpec } from "../../model/index.ts";
import type { Observation, SidecarState } from "../observation.ts";
import { apply, replay, type Run, type RunEvent } from "../run.ts";
import type { Sidecar } from "../sidecars.ts";

// For tests: specs, sidecars and runs with what a test does not care about filled in.

export const wave = (spec: Partial<WaveSpec> = {}): WaveSpec => ({
  percentage: 100,
  bake: "60s",
  approval: "None",
  ...spec,
});

export const spec = (more: Partial<RolloutSpec> = {}): RolloutSpec => ({
  targetRefs: [{ kind: "FilterPolicy", name: "authz" }],
  start: "Automatic",
  waves: [wave({ percentage: 10 }), wave({ percentage: 50 }), wave()],
  spread: { by: ["Service"], maxPercentage: 50 },
  answerTimeout: "60s",
  lossWindow: "30s",
  waveTimeout: { after: "1h", action: "Pause" },
  windows: [],
  frozen: false,
  analysis: { minRequests: 100, falseAlarms: 0.01, checks: [] },
  ...more,
});

export const sidecar = (node: string, more: Partial<Sidecar> = {}): Sidecar => ({
  node,
  service: "shop",
  region: "eu",
  zone: "eu-1",
  envoy: "1.40.0",
  labels: {},
  ...more,
});

export const fleet = (count: number, services = 1): Sidecar[] =>
  Array.from({ length: count }, (_, i) => sidecar(`n${i}`, { service: `s${i % services}` }));

export const started = (more: Partial<RolloutSpec> = {}, at = 0): RunEvent => ({
  type: "Started",
  at,
  rollout: "authz",
  run: 1,
  from: "old",
  to: "new",
  spec: spec(more),
  by: "ann",
  undo: false,
  sidecars: 10,
  unable: [],
});

export function run(...events: RunEvent[]): Run {
  const result = replay(events);
  if (result === undefined) throw new Error("no event");
  return result;
}

export const after = (before: Run, events: readonly RunEvent[]): Run => events.reduce<Run>(apply, before);

export const running: SidecarState = { connected: true, since: -1e9, progress: "Running" };

export function seeing(sidecars: readonly Sidecar[], more: Partial<Observation> = {}): Observation {
  return {
    sidecars,
    states: new Map(sidecars.map(({ node }) => [node, running])),
    verdict: { kind: "Good", findings: ["errors 0 of 100"] },
    settled: true,
    open: true,
    frozen: false,
    ...more,
  };
}

/** What is seen when these sidecars are in another state than `running`. */
export const except = (
  sidecars: readonly Sidecar[],
  states: Readonly<Record<string, Partial<SidecarState>>>,
  more: Partial<Observation> = {},
): Observation =>
  seeing(sidecars, {
    states: new Map(sidecars.map(({ node }) => [node, { ...running, ...states[node] }])),
    ...more,
  });
