import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { Debouncer } from "./debounce.ts";

/** Triggers at the given times, and says at which times the action ran. */
function run(triggers: readonly number[], cancelAt?: number): number[] {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  try {
    const ran: number[] = [];
    const debouncer = new Debouncer(() => ran.push(Date.now()), 50, 500);
    for (let now = 0; now <= 2000; now++) {
      if (triggers.includes(now)) debouncer.trigger();
      if (now === cancelAt) debouncer.cancel();
      mock.timers.tick(1);
    }
    return ran;
  } finally {
    mock.timers.reset();
  }
}

const every = (step: number, end: number): number[] =>
  Array.from({ length: Math.ceil(end / step) }, (_, i) => i * step);

describe("Debouncer", () => {
  const cases: [what: string, triggers: number[], ran: number[]][] = [
    ["nothing for nothing", [], []],
    ["after a quiet time", [10], [60]],
    ["once for a burst", [0, 20, 40], [90]],
    ["again for another burst", [0, 100], [50, 150]],
    ["at the latest after the maximum", every(10, 700), [500, 740]],
  ];
  for (const [what, triggers, ran] of cases) it(`acts ${what}`, () => assert.deepEqual(run(triggers), ran));

  it("forgets what was cancelled", () => assert.deepEqual(run([0], 20), []));
});
