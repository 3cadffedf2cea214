// How often a good version is undone, how often a bad one is not, and how long it takes to find it.
import { quantile } from "../measure.ts";
import { printRow } from "../run.ts";
import { defaultSpec, simulate, type Ending, type FleetSize } from "./simulated-rollout.ts";
import type { Conditions, Effect } from "./traffic.ts";

const FAULTS: readonly (readonly [name: string, effect: Effect])[] = [
  ["none", { errors: 0, delayMs: 0 }],
  ...[0.001, 0.005, 0.01, 0.02, 0.05].map((errors) => [`503 for ${100 * errors} %`, { errors, delayMs: 0 }] as const),
  ...[5, 10, 20].map((delayMs) => [`${delayMs} ms slower`, { errors: 0, delayMs }] as const),
];

export interface RatesOptions {
  /** How many rollouts of each fault. */
  readonly rollouts: number;
  readonly size: FleetSize;
  readonly conditions: Conditions;
  readonly minRequests: number;
  /** A part of the name of the faults. */
  readonly only: string;
}

/** Prints a row for each fault. */
export async function measureRates({ rollouts, size, conditions, minRequests, only }: RatesOptions): Promise<void> {
  const spec = defaultSpec({ minRequests });
  const waves = spec.waves.map((_, wave) => `in wave ${wave + 1}`);
  const header = ["fault", "undone", ...waves, "found after p50", "p99", "sidecars touched p50", "p99"];
  printRow(header);
  printRow(header.map(() => "---"));
  for (const [name, effect] of FAULTS) {
    if (!name.includes(only)) continue;
    const undone: Ending[] = [];
    for (let seed = 0; seed < rollouts; ++seed) {
      const ending = await simulate(spec, size, conditions, effect, seed);
      if (ending.undone !== undefined) undone.push(ending);
    }
    const percent = (count: number): string => `${Number(((100 * count) / rollouts).toFixed(1))} %`;
    const of = (figure: (ending: Ending) => number, share: number): string =>
      undone.length === 0 ? "" : String(Math.round(quantile(undone.map(figure), share)));
    printRow([
      ...[name, percent(undone.length)],
      ...spec.waves.map((_, wave) => percent(undone.filter((ending) => ending.wave === wave + 1).length)),
      ...[0.5, 0.99].map((share) => of(({ ms }) => ms / 1_000, share)).map((s) => (s === "" ? "" : `${s} s`)),
      ...[0.5, 0.99].map((share) => of(({ touched }) => touched, share)),
    ]);
  }
}
