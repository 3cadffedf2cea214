// Generated configurations of local_ratelimit and of the routes that it is on, and requests for them.
import fc from "fast-check";
import { typed } from "../support/filter-chains.ts";
import type { Request } from "./side-by-side.ts";

/** Tokens come back at one in two seconds, or not during the test. */
const REFILL = { tokens: 1, seconds: 2 } as const;
const NEVER = "3600s";
export const tokensPerSecond = REFILL.tokens / REFILL.seconds;

const values = ["1", "2", "3"] as const;
const names = ["a", "b"] as const;
const all = { default_value: { numerator: 100, denominator: "HUNDRED" } };

/** What a case is made to compare. */
export type Kind = "one descriptor" | "several descriptors" | "routes" | "refill";

export interface Policy {
  readonly kind: Kind;
  readonly filter: object;
  readonly routes: readonly object[];
  /** What the virtual host says beside its routes. */
  readonly host: object;
  readonly isEnforced: boolean;
  /** Whether a request can be charged to more than one bucket. */
  readonly chargesSeveral: boolean;
}

interface Bucket {
  readonly max_tokens: number;
  readonly tokens_per_fill: number;
  readonly fill_interval: string;
}

const still = (max: number): fc.Arbitrary<Bucket> =>
  fc.integer({ min: 1, max }).map((max_tokens) => ({ max_tokens, tokens_per_fill: 1, fill_interval: NEVER }));

/** The same rate in each form. */
const refilled = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
  .map(([max_tokens, times]): Bucket => {
    const fill_interval = `${String(times * REFILL.seconds)}s`;
    return { max_tokens, tokens_per_fill: times * REFILL.tokens, fill_interval };
  });

interface Descriptor {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  readonly token_bucket: Bucket;
}

/** Descriptors of the headers of these names, no two alike. */
function descriptors(of: readonly string[], bucket: fc.Arbitrary<Bucket>): fc.Arbitrary<Descriptor[]> {
  const entries = fc.tuple(...of.map(() => fc.constantFrom(...values)));
  return fc
    .uniqueArray(fc.tuple(entries, bucket), { minLength: 1, maxLength: 4, selector: ([pair]) => pair.join() })
    .map((list) =>
      list.map(([pair, token_bucket]) => ({
        entries: of.map((key, i) => ({ key, value: pair[i] ?? "" })),
        token_bucket,
      })),
    );
}

const cost = fc.constantFrom(1, 1, 2);

/** The `rate_limits` of headers of these names. */
function rateLimit(of: readonly string[], hits: number): object {
  return {
    actions: of.map((name) => ({ request_headers: { header_name: `x-${name}`, descriptor_key: name } })),
    ...(hits === 1 ? {} : { hits_addend: { number: hits } }),
  };
}

const answer = fc.record({ code: fc.constantFrom(429, 503), isEnforced: fc.boolean() });
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

function localRateLimit(stat_prefix: string, { code, isEnforced }: Answer, fields: object): object {
  return {
    stat_prefix,
    filter_enabled: all,
    ...(isEnforced ? { filter_enforced: all } : {}),
    status: { code },
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    ...fields,
  };
}

function policy(
  kind: Kind,
  { isEnforced }: Answer,
  fields: object,
  { routes, ...host }: Routes = { routes: [routed("all", "/", {})] },
  chargesSeveral = kind === "several descriptors",
): Policy {
  const filter = { name: "local", typed_config: typed("http.local_ratelimit.v3.LocalRateLimit", fields) };
  return { kind, filter, routes, host, isEnforced, chargesSeveral };
}

function routed(name: string, prefix: string, { action, ...fields }: { readonly action?: object }): object {
  return { name, match: { prefix }, route: { cluster: "upstream", ...action }, ...fields };
}

/** At most one bucket is charged for a request. */
function oneDescriptor(kind: "one descriptor" | "refill", bucket: fc.Arbitrary<Bucket>): fc.Arbitrary<Policy> {
  return fc
    .record({ main: bucket, isOnly: fc.boolean(), both: fc.boolean(), hits: cost, how: answer })
    .chain(({ main, isOnly, both, hits, how }) => {
      const of = both ? names : names.slice(0, 1);
      return descriptors(of, bucket).map((list) =>
        policy(
          kind,
          how,
          localRateLimit("local", how, {
            token_bucket: main,
            ...(isOnly
              ? {}
              : {
                  always_consume_default_token_bucket: false,
                  rate_limits: [rateLimit(of, hits)],
                  descriptors: list,
                }),
          }),
        ),
      );
    });
}

/** A request can be charged to descriptors of each header and of both, and to the default bucket. */
const severalDescriptors: fc.Arbitrary<Policy> = fc
  .record({
    main: still(8),
    always: fc.boolean(),
    hits: fc.tuple(cost, cost, cost),
    a: descriptors(["a"], still(6)),
    b: descriptors(["b"], still(6)),
    both: descriptors(names, still(6)),
    how: answer,
  })
  .map(({ main, always, hits, a, b, both, how }) =>
    policy(
      "several descriptors",
      how,
      localRateLimit("local", how, {
        token_bucket: main,
        ...(always ? {} : { always_consume_default_token_bucket: false }),
        rate_limits: [["a"], ["b"], names].map((of, i) => rateLimit(of, hits[i] ?? 1)),
        descriptors: [...a, ...b, ...both],
      }),
    ),
  );

interface Routes {
  readonly routes: readonly object[];
  readonly rate_limits?: readonly object[];
}

const prefixes = ["/a", "/b", "/"] as const;
/** What a route says of the filter. */
const ofRoute = fc.constantFrom("nothing", "off", "own bucket", "own descriptors", "rate_limits", "rate_limits");
const options = fc.constantFrom(undefined, "OVERRIDE", "INCLUDE", "IGNORE");

/** Routes that turn the filter off, have one of their own, or `rate_limits`. */
const routes: fc.Arbitrary<Policy> = fc
  .record({
    main: fc.option(still(6), { freq: 4, nil: undefined }),
    a: descriptors(["a"], still(6)),
    b: descriptors(["b"], still(6)),
    how: answer,
    says: fc.tuple(ofRoute, ofRoute, ofRoute),
    own: fc.tuple(still(6), still(6), still(6)),
    limits: fc.tuple(...prefixes.map(() => fc.constantFrom("a", "b"))),
    hits: fc.tuple(cost, cost),
    ofHost: fc.boolean(),
    vhost: options,
    includes: fc.boolean(),
  })
  .map(({ main, a, b, how, says, own, limits, hits, ofHost, vhost, includes }) => {
    const list = [...a, ...b];
    const limit = (name: string | undefined): object => rateLimit([name ?? "a"], hits[name === "b" ? 1 : 0]);
    const fields = {
      ...(main === undefined ? {} : { token_bucket: main }),
      always_consume_default_token_bucket: false,
      descriptors: list,
      ...(vhost === undefined ? {} : { vh_rate_limits: vhost }),
    };
    const each = prefixes.map((prefix, i) => {
      const name = `r${String(i)}`;
      const mine = (more: object): object => ({
        typed_per_filter_config: {
          local: typed("http.local_ratelimit.v3.LocalRateLimit", localRateLimit(name, how, more)),
        },
      });
      const action = { rate_limits: [limit(limits[i])], ...(includes ? { include_vh_rate_limits: true } : {}) };
      const fieldsOf = {
        nothing: {},
        off: {
          typed_per_filter_config: {
            local: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
          },
        },
        "own bucket": mine({ token_bucket: own[i] }),
        "own descriptors": mine({
          token_bucket: own[i],
          always_consume_default_token_bucket: false,
          descriptors: limits[i] === "a" ? a : b,
          rate_limits: [limit(limits[i])],
        }),
        rate_limits: { action },
      }[says[i] ?? "nothing"];
      return routed(name, prefix, fieldsOf);
    });
    const host = ofHost ? { rate_limits: [limit("b")] } : {};
    const several = ofHost && (includes || vhost === "INCLUDE");
    return policy("routes", how, localRateLimit("local", how, fields), { routes: each, ...host }, several);
  });

/** Configurations of every kind. */
export const policies: fc.Arbitrary<Policy> = fc.oneof(
  oneDescriptor("one descriptor", still(6)),
  oneDescriptor("refill", refilled),
  severalDescriptors,
  routes,
);

const value = fc.option(fc.constantFrom(...values), { freq: 6 });

export const request: fc.Arbitrary<Request> = fc
  .tuple(fc.tuple(value, value), fc.constantFrom("/a", "/b", "/c"))
  .map(([pair, path]) => ({
    method: "GET",
    path,
    host: "a.example",
    headers: names.flatMap((name, i) => (pair[i] === null ? [] : [[`x-${name}`, pair[i] ?? ""] as const])),
  }));
