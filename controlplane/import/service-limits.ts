import type { Cursor } from "./cursor.ts";
import { bothMatch } from "./rate-limit-actions.ts";
import type { Limit, RequestMatch } from "./rate-limit-configuration.ts";
import type { Descriptor } from "./rate-limit-descriptors.ts";
import type { Names } from "./rules.ts";
import { rulesFor, type FoundRule } from "./service-lookup.ts";
import type { ServiceDomain, ServiceLimit, ServiceRule } from "./service-rules.ts";

/** What several filters that ask one service leave behind. */
export interface Counting {
  /** Rules that a filter counts by. */
  readonly used: Set<ServiceRule>;
  /** Quotas of the control plane, which the limits of the scope `fleet` need. */
  readonly quotas: object[];
}

export interface Asked {
  /** The filter. */
  readonly config: Cursor;
  readonly domain: string;
  readonly scope: "fleet" | "envoy";
  /** Whether Envoy refuses requests while the service cannot be reached. */
  readonly denies: boolean;
  readonly domains: readonly ServiceDomain[];
  readonly descriptors: readonly Descriptor[];
  readonly names: Names;
  readonly counting: Counting;
}

const MAX_REQUESTS = 1_000_000;
const periods: Readonly<Record<string, string>> = {
  second: "1s",
  minute: "1m",
  hour: "1h",
  day: "24h",
  week: "168h",
  month: "720h",
};

interface Ruled extends FoundRule {
  readonly limit: ServiceLimit;
  readonly descriptor: Descriptor;
}

/** What a rate limit service would count, as limits that are counted without it. */
export function ownLimits(asked: Asked): Limit[] {
  const { config, domain, domains, descriptors, counting } = asked;
  const service = domains.find((one) => one.domain === domain);
  if (service === undefined) {
    const message = `expected a file of the rate limit service for the domain "${domain}"`;
    config.report("error", message, "give it, too, or keep the service with --scope service");
    return [];
  }
  const ruled = descriptors.flatMap((descriptor) =>
    rulesFor(service.rules, descriptor.entries).flatMap((found): Ruled[] => {
      const { limit } = found.rule;
      if (limit === undefined) return [];
      const match = bothMatch([descriptor.match, found.match]);
      return [{ ...found, match, except: [...descriptor.except, ...found.except], limit, descriptor }];
    }),
  );
  const seen = new Set<ServiceRule>();
  return ruled.flatMap((one): Limit[] => {
    const { rule } = one;
    if (seen.has(rule)) {
      const message = "several rate_limits make this descriptor; each has a bucket of its own here, so more passes";
      rule.at.report("loss", message, "state it by hand");
    }
    seen.add(rule);
    counting.used.add(rule);
    return one.limit.isUnlimited ? [] : limitOf(one, ruled, asked);
  });
}

function limitOf(one: Ruled, all: readonly Ruled[], asked: Asked): Limit[] {
  const { rule, limit, match, descriptor } = one;
  if (limit.window === undefined) {
    limit.at.report("loss", "a year is longer than a window can be; the limit is left out");
    return [];
  }
  if (limit.requests > MAX_REQUESTS) {
    limit.at.get("requests_per_unit")?.report("loss", `at most ${MAX_REQUESTS} requests`);
  }
  const isClosed = limit.requests === 0;
  if (isClosed) {
    limit.at.report("note", "0 requests: a request costs more than the window has, so none passes");
  }
  const except = [...one.except, ...replacements(one, all)];
  const hits = descriptor.cost.cost?.hits ?? 1;
  const cost = isClosed ? { cost: { hits: Math.max(hits, 2) } } : descriptor.cost;
  const name = asked.names.unique(one.words.join("-"));
  const key = one.key.map(({ part }) => part);
  const isLeased = asked.scope === "fleet" && !isClosed;
  const fixedWindow = { requests: Math.min(Math.max(limit.requests, 1), MAX_REQUESTS), window: limit.window };
  const parts = isLeased ? { scope: "fleet" as const, leases: leasesOf(one, name, fixedWindow, asked) } : {};
  return [
    {
      name,
      fixedWindow,
      ...parts,
      ...(key.length > 0 ? { key, missingKey: "skip" as const } : {}),
      ...(Object.keys(match).length > 0 ? { match } : {}),
      ...(except.length > 0 ? { except } : {}),
      ...cost,
      ...(rule.isShadow ? { mode: "shadow" as const } : {}),
    },
  ];
}

/** A limit does not count for requests that one is for by which it is replaced. */
function replacements(one: Ruled, all: readonly Ruled[]): RequestMatch[] {
  if (one.limit.name === "") return [];
  return all
    .filter(({ limit }) => limit !== one.limit && limit.replaces.includes(one.limit.name))
    .flatMap((other): RequestMatch[] => {
      // What the replaced one is not for either makes no difference.
      const mine = new Set(one.except.map((match) => JSON.stringify(match)));
      if (other.except.some((match) => !mine.has(JSON.stringify(match)))) {
        const message = `"${one.limit.name}" is not replaced, since requests for this limit cannot be named in one match; both count`;
        other.limit.at.get("replaces")?.report("loss", message);
        return [];
      }
      return [bothMatch([other.match, ...other.key.map(({ part }) => presence(part))])];
    });
}

function presence(part: Ruled["key"][number]["part"]): RequestMatch {
  if ("constant" in part || "default" in part) return {};
  return { values: [{ value: part, present: true }] };
}

/** The names of a bucket's id, and the Quota that says how much of it the fleet lets pass. */
function leasesOf(
  one: Ruled,
  limit: string,
  { requests, window }: { readonly requests: number; readonly window: string },
  { domain, denies, counting }: Asked,
): { readonly domain: string; readonly names?: readonly string[] } {
  const names: string[] = [];
  for (const { name } of one.key) {
    const isTaken = (text: string): boolean => text === "limit" || names.includes(text);
    let unique = name;
    for (let i = 2; isTaken(unique); ++i) unique = `${name}-${i}`;
    names.push(unique);
  }
  const bucket = { limit, ...Object.fromEntries(names.map((name) => [name, "*"])) };
  counting.quotas.push({
    apiVersion: "meshwright.dev/v1alpha1",
    kind: "Quota",
    metadata: {
      name: `${domain}-${limit}`
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, ""),
    },
    spec: {
      domain,
      bucket,
      requests,
      period: periods[window],
      // As the service: while its counts cannot be reached all passes, and counts that are lost begin anew.
      ...(denies ? {} : { onLoss: { policy: "Allow" } }),
    },
  });
  return { domain, ...(names.length > 0 ? { names } : {}) };
}
