import type { Cursor } from "./cursor.ts";
import { bothMatch, entryOf, type Entry } from "./rate-limit-actions.ts";
import type { Limit, RequestMatch } from "./rate-limit-configuration.ts";
import type { Route, Scope, Scopes } from "./rate-limit-routes.ts";

/** A descriptor that requests can have, and which requests have it. */
export interface Descriptor {
  readonly entries: readonly Entry[];
  readonly match: RequestMatch;
  readonly except: readonly RequestMatch[];
  readonly cost: Pick<Limit, "cost">;
}

/** The most that a request may cost. */
const MAX_HITS = 1_000_000;

/** The descriptors that the `rate_limits` of some scopes can make; equal `rate_limits` of several routes make one. */
export function descriptorsOf(stage: number, scopes: readonly Scope[], matchOf: Scopes["matchOf"]): Descriptor[] {
  const groups = new Map<
    string,
    { readonly rateLimit: Cursor; readonly times: number; readonly isOwn: boolean; readonly routes: Route[] }
  >();
  for (const { rateLimits, isOwn, routes } of scopes) {
    const counts = new Map<string, { readonly rateLimit: Cursor; readonly times: number }>();
    for (const rateLimit of rateLimits) {
      const text = JSON.stringify(rateLimit.value);
      counts.set(text, { rateLimit, times: (counts.get(text)?.times ?? 0) + 1 });
    }
    for (const [text, { rateLimit, times }] of counts) {
      const id = JSON.stringify([isOwn, times, text]);
      const group = groups.get(id) ?? { rateLimit, times, isOwn, routes: [] };
      group.routes.push(...routes);
      groups.set(id, group);
    }
  }
  return [...groups.values()].flatMap(({ rateLimit, times, isOwn, routes }): Descriptor[] => {
    rateLimit.only("stage", "disable_key", "actions", "limit", "hits_addend", "apply_on_stream_done");
    if ((rateLimit.get("stage")?.integer() ?? 0) !== stage) return [];
    if (rateLimit.flag("apply_on_stream_done")) {
      const message = "what is charged at the end of a stream is left out";
      rateLimit.get("apply_on_stream_done")?.report("loss", message, "use `responseCost`");
      return [];
    }
    for (const name of ["disable_key", "limit"]) {
      rateLimit.get(name)?.report("loss", `${name} has no equal`, "state it by hand");
    }
    const actions = rateLimit.items("actions");
    const entries = actions.map(entryOf).filter((entry) => entry !== undefined);
    if (entries.length < actions.length) return [];
    if (entries.filter(({ isOptional }) => isOptional).length > 3) {
      rateLimit.report("loss", "more than three values that may be skipped; limits by them are left out");
      return [];
    }
    const cost = costOf(rateLimit, times, isOwn);
    const onRoute = matchOf(routes) ?? {};
    return variants(entries).map(({ present, absent }) => ({
      entries: present,
      match: bothMatch([onRoute, ...present.map(({ match }) => match), ...absent]),
      except: present.flatMap(({ except }) => except),
      cost,
    }));
  });
}

interface Variant {
  readonly present: readonly Entry[];
  readonly absent: readonly RequestMatch[];
}

/** Each way in which values that may be skipped are there or not. */
function variants(entries: readonly Entry[]): Variant[] {
  let result: Variant[] = [{ present: [], absent: [] }];
  for (const entry of entries) {
    result = result.flatMap(({ present, absent }) => {
      const whole = { present: [...present, entry], absent };
      if (!entry.isOptional || "constant" in entry.value) return [whole];
      const without = { values: [{ value: entry.value.value, present: false }] };
      return [whole, { present, absent: [...absent, without] }];
    });
  }
  return result.filter(({ present }) => present.length > 0);
}

/** @param times How often the same `rate_limits` are given; a request is charged for each. */
function costOf(rateLimit: Cursor, times: number, isOwn: boolean): Pick<Limit, "cost"> {
  const number = rateLimit.get("hits_addend")?.only("number", "format").get("number");
  const hits = times * (isOwn ? addendOf(rateLimit) : 1);
  if (!isOwn) {
    const message = "Envoy reads hits_addend in rate_limits of the filter alone, so each request costs 1 here";
    rateLimit.get("hits_addend")?.report("note", message);
  }
  if (hits > MAX_HITS) (number ?? rateLimit).report("loss", `at most ${MAX_HITS} hits`);
  return hits === 1 ? {} : { cost: { hits: Math.min(hits, MAX_HITS) } };
}

function addendOf(rateLimit: Cursor): number {
  const addend = rateLimit.get("hits_addend");
  addend?.get("format")?.report("loss", "a number by a format is not read; each request costs 1", "use `cost.header`");
  return addend?.get("number")?.integer() ?? 1;
}
