import type { NodeStats } from "../fleet/index.ts";
import { RECENT_MS } from "./recent.ts";

/** What the limits of the filter ratelimit did, over all sidecars. */
export interface LimitsReport {
  /** How many sidecars have reported, also those that are gone, for an hour. */
  readonly sidecars: number;
  /** The one that refused most, or would have, lately first. */
  readonly limits: readonly LimitReport[];
  /** Requests that no limit was applied to since they are exempt. */
  readonly exempt: number;
}

/** Counts are since each Envoy started; rates are of the last half minute, over all sidecars. */
export interface LimitReport {
  readonly limit: string;
  readonly allowed: number;
  readonly limited: number;
  /** Those that it would have refused, were it not in shadow. */
  readonly shadowLimited: number;
  readonly allowedPerSecond: number;
  /** In shadow, those that it would have refused. */
  readonly limitedPerSecond: number;
}

const PREFIX = "wasmcustom.ratelimit.";
const COUNTER = /^wasmcustom\.ratelimit\.(.+)\.(allowed|limited|shadow_limited)$/;

/** Makes the report. */
export function limitsReport(stats: Pick<NodeStats, "totals" | "figures" | "nodeIds">, now = Date.now()): LimitsReport {
  const { sidecars, counters } = stats.totals((name) => name.startsWith(PREFIX));
  const recent = stats.figures(stats.nodeIds(), now - RECENT_MS, now);
  const { observedMs } = recent.totals;
  const perSecond = (name: string): number =>
    observedMs === 0 ? 0 : ((recent.totals.counters.get(name) ?? 0) * recent.sidecars * 1_000) / observedMs;
  const names = new Set([...counters.keys()].flatMap((name) => COUNTER.exec(name)?.[1] ?? []));
  const limits = [...names].map((limit): LimitReport => {
    const prefix = `${PREFIX}${limit}.`;
    return {
      limit,
      allowed: counters.get(`${prefix}allowed`) ?? 0,
      limited: counters.get(`${prefix}limited`) ?? 0,
      shadowLimited: counters.get(`${prefix}shadow_limited`) ?? 0,
      allowedPerSecond: perSecond(`${prefix}allowed`),
      limitedPerSecond: perSecond(`${prefix}limited`) + perSecond(`${prefix}shadow_limited`),
    };
  });
  limits.sort(
    (a, b) => b.limitedPerSecond - a.limitedPerSecond || refused(b) - refused(a) || (a.limit < b.limit ? -1 : 1),
  );
  return { sidecars, limits, exempt: counters.get(`${PREFIX}exempt`) ?? 0 };
}

function refused({ limited, shadowLimited }: LimitReport): number {
  return limited + shadowLimited;
}
