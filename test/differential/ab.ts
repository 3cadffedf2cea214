// ab-routing and Envoy's own routes and weighted clusters, told to choose alike and asked the same.
import { join } from "node:path";
import fc from "fast-check";
import xxhash from "xxhash-wasm";
import { root } from "../../setup/paths.mjs";
import { wasmFilter } from "../support/filter-chains.ts";
import type { Report } from "./rbac.ts";
import { inParallel, SideBySide, type Answer, type Pair, type Request } from "./side-by-side.ts";

export const abModule = join(root, "build", "ab-routing.wasm");
/** Variants, which are clusters too. */
export const variants = ["a", "b", "c", "d"] as const;
/** The cluster of requests that an experiment is not for. */
const outside = "outside";
export const clusters = [...variants, outside] as const;

const of = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);
const texts = ["", "1", "2", "12", "beta"] as const;
const paths = ["/", "/a", "/a/b", "/ab", "/b/a"] as const;
const hasher = await xxhash();

/** One condition, as ab-routing and as Envoy have it. */
interface Condition {
  readonly ours: object;
  readonly native: object;
}

const test = fc
  .tuple(of(["exact", "prefix", "suffix", "contains", "regex"] as const), of(texts.slice(1)))
  .map(([kind, text]) => {
    const regex = `${text}+|2`;
    return kind === "regex"
      ? { ours: { regex }, native: { string_match: { safe_regex: { regex } } } }
      : { ours: { [kind]: text }, native: { string_match: { [kind]: text } } };
  });
const presence = fc.boolean().map((present) => ({ ours: { present }, native: { present_match: present } }));
const isThere = fc.constant({ ours: { present: true }, native: { present_match: true } });

const header = fc.tuple(of(["x-a", "x-b"]), fc.oneof(test, presence)).map(([name, { ours, native }]): Condition => ({
  ours: { headers: [{ name, ...ours }] },
  native: { headers: [{ name, ...native }] },
}));
const query = fc.tuple(of(["q", "r"]), fc.oneof(test, isThere)).map(([name, { ours, native }]): Condition => ({
  ours: { values: [{ value: { query: name }, ...ours }] },
  native: { query_parameters: [{ name, ...native }] },
}));
// Envoy has no test for the presence of a cookie.
const cookie = fc.tuple(of(["c", "d"]), test).map(([name, { ours, native }]): Condition => ({
  ours: { cookies: [{ name, ...ours }] },
  native: { cookies: [{ name, ...native }] },
}));
const method = of(["GET", "PUT"]).map((exact): Condition => ({
  ours: { methods: [exact] },
  native: { headers: [{ name: ":method", string_match: { exact } }] },
}));
const path = fc.tuple(of(paths), of(["exact", "prefix"] as const)).map(([text, kind]): Condition => ({
  ours: { path: { [kind]: text } },
  native: { [kind === "exact" ? "path" : "prefix"]: text },
}));

/** Conditions that must all hold. */
const match = fc
  .tuple(
    fc.option(path, { freq: 1 }),
    fc.option(method, { freq: 1 }),
    fc.array(fc.oneof(header, query, cookie), { minLength: 1, maxLength: 3 }),
  )
  .map(([first, second, more]): Condition => {
    const all = [first, second, ...more].filter((one) => one !== null);
    return { ours: joined(all.map(({ ours }) => ours)), native: joined(all.map(({ native }) => native)) };
  });

/** One object of several, whose lists are put together. */
function joined(objects: readonly object[]): object {
  const result: Record<string, unknown> = {};
  for (const [field, value] of objects.flatMap((one) => Object.entries(one) as [string, unknown][])) {
    const before = result[field];
    result[field] = Array.isArray(before) && Array.isArray(value) ? [before, value].flat() : value;
  }
  return result;
}

/** Ranges that add up to 10,000, some of them empty, names more than once. */
export const ranges = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 5 }), fc.array(of(variants), { minLength: 6 }))
  .map(([cuts, names]) => {
    const ends = [...cuts.toSorted((a, b) => a - b), 10_000];
    return ends.map((end, i) => ({ name: names[i] ?? "a", weight: end - (ends[i - 1] ?? 0) }));
  });

const experiment = fc.record({
  salt: of(["", "2026"]),
  when: fc.option(match, { freq: 2 }),
  rules: fc.array(fc.tuple(match, of(variants)), { maxLength: 4 }),
  isForced: fc.boolean(),
  ranges,
  fallback: of(variants),
});
type Experiment = typeof experiment extends fc.Arbitrary<infer T> ? T : never;

const NAME = "shop";
const KEY = "x-user";
const HEADER = "x-variant";
/** Has what Envoy is to take for its random number: the place that README.md of the filter gives the key. */
const PLACE = "x-place";

function place(salt: string, key: string): number {
  return Number(((hasher.h64(key, hasher.h64(`${salt}\0${NAME}`)) >> 32n) * 10_000n) >> 32n);
}

function oursOf({ salt, when, rules, isForced, ranges, fallback }: Experiment): object {
  // Every name must be among the split's.
  const others = variants.filter((name) => ranges.every((range) => range.name !== name));
  return {
    name: NAME,
    header: HEADER,
    ...(when === null ? {} : { when: when.ours }),
    ...(isForced ? { force: { from: [{ header: "x-force" }] } } : {}),
    ...(rules.length === 0 ? {} : { rules: rules.map(([one, variant]) => ({ match: one.ours, variant })) }),
    split: { key: [{ header: KEY }], salt, variants: [...ranges, ...others.map((name) => ({ name, weight: 0 }))] },
    default: fallback,
  };
}

/** Routes that do without the filter what it does. */
function nativeOf({ when, rules, isForced, ranges, fallback }: Experiment): object[] {
  const base = when?.native ?? {};
  const route = (conditions: object, action: object): object[] => {
    const paths = [base, conditions].flatMap((one) => Object.entries(one).filter(([field]) => isPath(field)));
    const [first = ["prefix", "/"], second] = paths as [string, string][];
    const both = second === undefined ? first : intersection(first, second);
    const rest = Object.entries(joined([base, conditions])).filter(([field]) => !isPath(field));
    return both === undefined ? [] : [{ match: Object.fromEntries([both, ...rest]), route: action }];
  };
  const equals = (name: string, exact: string): object => ({ headers: [{ name, string_match: { exact } }] });
  return [
    ...(isForced ? variants.flatMap((cluster) => route(equals("x-force", cluster), { cluster })) : []),
    ...rules.flatMap(([one, cluster]) => route(one.native, { cluster })),
    // A key that is not there, or is empty, is none.
    ...route({ headers: [{ name: KEY, present_match: false }] }, { cluster: fallback }),
    ...route(equals(KEY, ""), { cluster: fallback }),
    ...route({}, { weighted_clusters: { header_name: PLACE, clusters: ranges } }),
    ...(when === null ? [] : [{ match: { prefix: "/" }, route: { cluster: outside } }]),
  ];
}

const isPath = (field: string): boolean => field === "path" || field === "prefix";

/** The test of a path that is both, or undefined where no path can be both. */
function intersection(a: [string, string], b: [string, string]): [string, string] | undefined {
  const [first, second] =
    a[0] === "path" ? [a, b] : b[0] === "path" ? [b, a] : a[1].length > b[1].length ? [a, b] : [b, a];
  const isIn = second[0] === "path" ? first[0] === "path" && first[1] === second[1] : first[1].startsWith(second[1]);
  return isIn ? first : undefined;
}

/** Routes that match on what the filter tells. */
export const oursRoutes = (header: string, rest: string): object[] => [
  ...variants.map((cluster) => ({
    match: { prefix: "/", headers: [{ name: header, string_match: { exact: cluster } }] },
    route: { cluster },
  })),
  { match: { prefix: "/" }, route: { cluster: rest } },
];

const maybe = (name: string, values: readonly string[]): fc.Arbitrary<[string, string][]> =>
  fc.oneof(
    fc.constant<[string, string][]>([]),
    of(values).map((value): [string, string][] => [[name, value]]),
  );
const parameters = fc
  .array(fc.tuple(of(["q", "r", "s"]), of(["", "=", "=1", "=12", "=beta", "=2&q=1"])), { maxLength: 3 })
  .map((list) => (list.length === 0 ? "" : `?${list.map((pair) => pair.join("")).join("&")}`));
const cookies = fc
  .uniqueArray(fc.tuple(of(["c", "d", "e"]), of(texts.slice(1))), { maxLength: 3, selector: ([name]) => name })
  .map((list): [string, string][] =>
    list.length === 0 ? [] : [["cookie", list.map(([name, value]) => `${name}=${value}`).join("; ")]],
  );
const request = fc.record({
  method: of(["GET", "PUT", "DELETE"]),
  path: of(paths),
  parameters,
  headers: fc
    .tuple(
      maybe("x-a", texts),
      maybe("x-b", texts),
      cookies,
      maybe("x-force", [...variants, "nobody"]),
      // What a client writes there counts for nothing.
      maybe(HEADER, ["a", "d", "x"]),
    )
    .map((lists) => lists.flat()),
  user: fc.option(fc.oneof({ weight: 1, arbitrary: fc.constant("") }, { weight: 9, arbitrary: fc.uuid() }), {
    freq: 9,
  }),
});

export const clusterOf = (answer: Answer | undefined): string =>
  /^x-cluster: (\S*)/m.exec(answer?.head ?? "")?.[1] ?? "none";

/** Whether the two choose the same cluster, where nothing is left to chance. `passed` counts those that reach a variant by the split. */
export async function compareTargeting(seed: number, experiments: number, requests: number): Promise<Report> {
  const cases = fc.sample(experiment, { seed, numRuns: experiments });
  const pairs = cases.map((one): Pair => ({
    native: [],
    ours: [wasmFilter("ab-routing", abModule, { experiments: [oursOf(one)] })],
    routes: { native: nativeOf(one), ours: oursRoutes(HEADER, outside) },
  }));
  const asked = fc.sample(fc.array(request, { minLength: requests, maxLength: requests }), {
    seed: seed + 1,
    numRuns: experiments,
  });
  const envoy = await SideBySide.start(pairs, { answering: clusters });
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[] };
  try {
    await inParallel(cases, async (one, at) => {
      const list = (asked[at] ?? []).map(({ method, path, parameters, headers, user }): Request => ({
        method,
        path: `${path}${parameters}`,
        host: "a.example",
        headers: [
          ...headers,
          ...(user === null ? [] : [[KEY, user] as const, [PLACE, String(place(one.salt, user))] as const]),
        ],
      }));
      const from = { source: "192.0.2.1", port: 80 };
      const [native, ours] = await Promise.all([
        envoy.ask(at, "native", from, list),
        envoy.ask(at, "ours", from, list),
      ]);
      list.forEach((sent, i) => {
        const [expected, found] = [clusterOf(native[i]), clusterOf(ours[i])];
        ++report.compared;
        ++report.exact;
        report.passed += Number(expected !== outside && expected !== one.fallback);
        if (expected === found && expected !== "none") return;
        report.faults.push(
          [
            `Envoy ${expected}, ab-routing ${found}: ${JSON.stringify(sent)}`,
            `  routes ${JSON.stringify(pairs[at]?.routes?.native)}`,
            `  ab-routing ${JSON.stringify(oursOf(one))}`,
          ].join("\n"),
        );
      });
    });
  } finally {
    await envoy.stop();
  }
  return report;
}
