import { durationMilliseconds } from "./duration.ts";
import type { Problem } from "./problem.ts";
import { quotaTerms } from "./quota-terms.ts";
import type { Quota } from "./resources.ts";

const HOUR_MS = 3_600_000;

/** Finds the faults of Quotas that a JSON Schema cannot. */
export function checkQuotas(quotas: readonly Quota[]): Problem[] {
  const patterns = new Map<string, Quota>();
  return quotas.flatMap((quota) => {
    const { metadata, origin, spec } = quota;
    const problems: Problem[] = [];
    const inRange = (field: "period" | "lease", least: number, most: number, range: string): void => {
      const text = spec[field];
      if (text === undefined) return;
      const value = durationMilliseconds(text);
      if (value < least || value > most)
        problems.push(origin.problem(["spec", field], `expected ${range}, found ${text}`));
    };
    inRange("period", 1000, 744 * HOUR_MS, "1s to 744h");
    inRange("lease", 1000, HOUR_MS, "1s to 1h");
    if (problems.length > 0) return problems;
    const { burst, partsPerToken } = quotaTerms(spec);
    if (burst * partsPerToken > Number.MAX_SAFE_INTEGER / 4) {
      const message = `cannot be counted exactly over a period of ${spec.period}; expected a rounder or smaller number`;
      problems.push(origin.problem(["spec", "requests"], message));
    }
    const pattern = JSON.stringify([spec.domain, Object.entries(spec.bucket).sort()]);
    const first = patterns.get(pattern);
    if (first === undefined) patterns.set(pattern, quota);
    else {
      const { file, line } = first.origin.locate(["spec", "bucket"]);
      const message = `Quota ${first.metadata.name} is for these buckets of ${spec.domain} already (${file}:${line})`;
      if (first.metadata.name !== metadata.name) problems.push(origin.problem(["spec", "bucket"], message));
    }
    return problems;
  });
}
