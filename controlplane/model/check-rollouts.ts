import { Claims, repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import { durationMilliseconds } from "./duration.ts";
import type { MayExist } from "./references.ts";
import { missingProblem } from "./references.ts";
import type { Model, Rollout } from "./resources.ts";
import { targetsOfKind } from "./rollout-targets.ts";

/** Finds the faults of Rollouts that a JSON Schema cannot. */
export function checkRollouts(model: Model, mayExist: MayExist): Found {
  const owners = new Claims("target");
  return [...model.rollouts.values()].flatMap((rollout) => [
    ...checkTargets(rollout, model, mayExist, owners),
    ...checkWaves(rollout),
    ...checkWindows(rollout),
    ...checkChecks(rollout),
  ]);
}

function checkTargets({ metadata, origin, spec }: Rollout, model: Model, mayExist: MayExist, owners: Claims): Found {
  const targets = spec.targetRefs.map(({ kind, name }) => `${kind} ${name}`);
  return [
    ...repeated(targets, "target", origin, (t) => ["spec", "targetRefs", t]),
    ...spec.targetRefs.flatMap(({ kind, name }, t) => {
      const path = ["spec", "targetRefs", t, "name"];
      const known = targetsOfKind(kind, model);
      const isKnown = known.has(name) || mayExist(kind, name);
      return [
        isKnown ? undefined : missingProblem(origin, path, kind, name, known.keys()),
        owners.claim(`${kind} ${name}`, `Rollout ${metadata.name}`, origin, path),
      ];
    }),
  ];
}

function checkWaves({ origin, spec }: Rollout): Found {
  const { waves, waveTimeout } = spec;
  const timeout = durationMilliseconds(waveTimeout.after);
  const last = waves.length - 1;
  const isAll =
    waves[last]?.percentage === 100 && waves[last].selector === undefined && waves[last].nodes === undefined;
  return [
    ...waves.map(({ bake }, w) => {
      if (durationMilliseconds(bake) < timeout) return undefined;
      const message = `expected less than the waveTimeout, ${waveTimeout.after}, found ${bake}`;
      return origin.problem(["spec", "waves", w, "bake"], message);
    }),
    isAll
      ? undefined
      : origin.problem(["spec", "waves", last], "the last wave must be all sidecars: 100 % without selector and nodes"),
  ];
}

function checkWindows({ origin, spec }: Rollout): Found {
  return spec.windows.map(({ timeZone }, w) => {
    if (isTimeZone(timeZone)) return undefined;
    const message = `unknown time zone ${JSON.stringify(timeZone)}; expected a name of the IANA database, such as Europe/Berlin`;
    return origin.problem(["spec", "windows", w, "timeZone"], message);
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A check has the fields of its metric, and no others; the schema has given every check a quantile. */
function checkChecks({ origin, spec }: Rollout): Found {
  return spec.analysis.checks.map((check, c) => {
    const path = ["spec", "analysis", "checks", c, "statistic"];
    const has = "statistic" in check;
    if (check.metric === "Statistic")
      return has ? undefined : origin.problem(path, "required where metric is Statistic");
    return has ? origin.problem(path, `only allowed where metric is Statistic, found ${check.metric}`) : undefined;
  });
}
