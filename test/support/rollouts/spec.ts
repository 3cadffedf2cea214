/** The first wave is two of the twelve sidecars, the second six. */
export const FIRST_WAVE = 2;

const waves = [
  { percentage: 16, bake: "2s" },
  { percentage: 50, bake: "2s" },
  { percentage: 100, bake: "2s" },
];

const analysis = {
  minRequests: 500,
  // What is slow on a machine that is busy comes in bursts, and not to all sidecars alike.
  checks: [{ metric: "Errors" }, { metric: "Slow", tolerated: 5 }, { metric: "Denials" }],
};

/** A Rollout of the tests. */
export const spec = { waves, analysis, answerTimeout: "40s", lossWindow: "10s" };

/** The same, in which somebody lets the second wave begin. */
export const gated = { ...spec, waves: waves.map((wave, i) => (i === 1 ? { ...wave, approval: "Manual" } : wave)) };
