// Generated rbac configurations, and requests over the same few words, so that conditions hold about as often as not.
import fc from "fast-check";
import type { Connection, Request } from "./side-by-side.ts";

export type Json = object;

const paths = ["/", "/a", "/a/", "/a/b", "/ab", "/b", "/a/b.css", "/A"] as const;
const words = ["a", "b", "ab", "bc", "A", ""] as const;
const values = ["a", "b", "ab", "abc", "A", "a b", "3", ""] as const;
const regexes = ["a+", "a.*", "[ab]b?", ".*c", "(?i)ab|b", ".*"] as const;
const headerNames = ["x-a", "x-b"] as const;
const methods = ["GET", "POST", "DELETE"] as const;
const hosts = ["a.example", "b.example", "a.b.example"] as const;
const ports = [80, 443, 8080] as const;
const sources = ["10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "::1"] as const;
const ranges = [
  ["10.0.0.0", 8],
  ["10.1.0.0", 16],
  // Envoy does not look at bits behind the prefix.
  ["10.1.2.3", 15],
  ["192.0.2.1", 32],
  ["0.0.0.0", 0],
  ["2001:db8::", 32],
  ["2001:db8:1::5", 48],
  ["::", 0],
] as const;

const of = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);
/** A field that is mostly left out. */
const rarely = (field: string, value: unknown): fc.Arbitrary<object> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constant({ [field]: value }) });

function stringMatcher(texts: readonly string[], patterns: readonly string[]): fc.Arbitrary<Json> {
  const plain = fc
    .tuple(
      of(["exact", "prefix", "suffix", "contains"]),
      of(texts.filter((text) => text !== "")),
      rarely("ignore_case", true),
    )
    .map(([kind, text, more]) => ({ [kind]: text, ...more }));
  const regex = of(patterns).map((pattern) => ({ safe_regex: { regex: pattern } }));
  return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: regex });
}

/** As releases before wrote it, and still do. */
const oldMatcher = fc.oneof(
  fc
    .tuple(of(["exact", "prefix", "suffix", "contains"]), of(["a", "b", "ab"]))
    .map(([kind, text]) => ({ [`${kind}_match`]: text })),
  of(regexes).map((regex) => ({ safe_regex_match: { regex } })),
);

const headerTest: fc.Arbitrary<object> = fc.oneof(
  { weight: 5, arbitrary: stringMatcher(words, regexes).map((string_match): object => ({ string_match })) },
  { weight: 1, arbitrary: fc.constant({ string_match: { exact: "" } }) },
  { weight: 2, arbitrary: oldMatcher },
  { weight: 2, arbitrary: fc.boolean().map((present_match) => ({ present_match })) },
  { weight: 1, arbitrary: fc.constant({}) },
);

const headerMatcher: fc.Arbitrary<Json> = fc
  .tuple(of(headerNames), headerTest, rarely("invert_match", true), rarely("treat_missing_header_as_empty", true))
  .map(([name, test, inverted, empty]) => ({ name, ...test, ...inverted, ...empty }));

const inverted = rarely("invert_match", true);
const pseudoHeader: fc.Arbitrary<Json> = fc.oneof(
  fc.tuple(of(methods), inverted).map(([exact, more]): Json => ({ name: ":method", string_match: { exact }, ...more })),
  fc
    .tuple(of(hosts), inverted)
    .map(([exact, more]): Json => ({ name: ":authority", string_match: { exact }, ...more })),
  stringMatcher([".example", "a.", "b.example"], ["a\\..*"]).map((string_match) => ({
    name: ":authority",
    string_match,
  })),
  of(["http", "https"]).map((exact) => ({ name: ":scheme", string_match: { exact } })),
);

const header: fc.Arbitrary<Json> = fc
  .oneof({ weight: 3, arbitrary: headerMatcher }, { weight: 2, arbitrary: pseudoHeader })
  .map((matcher) => ({ header: matcher }));
const urlPath: fc.Arbitrary<Json> = stringMatcher([...paths, "b", ".css"], ["/a.*", "/a/[a-z.]+", ".*", "/(a|b)"]).map(
  (path) => ({
    url_path: { path },
  }),
);
const metadata: fc.Arbitrary<Json> = fc
  .tuple(
    of(["test", "other"]),
    of([["text"], ["flag"], ["nested", "text"], ["missing"]]),
    fc.oneof(
      stringMatcher(["v", "va", "ue"], ["v.*"]).map((string_match): object => ({ string_match })),
      fc.boolean().map((bool_match) => ({ bool_match })),
      fc.boolean().map((present_match) => ({ present_match })),
    ),
    rarely("invert", true),
  )
  .map(([filter, path, value, more]) => ({ metadata: { filter, path: path.map((key) => ({ key })), value, ...more } }));

/** What `metadata` finds. */
export const metadataFilter: Json = {
  name: "set_metadata",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
    metadata: [{ metadata_namespace: "test", value: { text: "value", flag: true, nested: { text: "v" } } }],
  },
};

const cidr = of(ranges).map(([address_prefix, prefix_len]) => ({ address_prefix, prefix_len }));

/** What the filter cannot say, or says otherwise. */
const lossy: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({ header: { name: "x-a", range_match: { start: 1, end: 5 } } }),
  of([{ exact: "" }, { safe_regex: { regex: "a*" } }] as const).map((string_match): Json => ({
    header: { name: "x-a", string_match, treat_missing_header_as_empty: true },
  })),
  stringMatcher([...paths, "/a?q=1", "q=1"], ["/a.*", "/a/[a-z.]+"]).map((string_match): Json => ({
    header: { name: ":path", string_match },
  })),
  fc.tuple(of(["test", "other"]), fc.boolean()).map(([filter, present_match]): Json => ({
    metadata: { filter, path: [{ key: "text" }], value: { present_match } },
  })),
);
const lossyPermission = fc.oneof(
  lossy,
  fc.constant({ destination_ip: { address_prefix: "192.0.2.0", prefix_len: 24 } }),
);
const lossyPrincipal = fc.oneof(
  lossy,
  of([{}, { principal_name: { exact: "spiffe://a/b" } }, { principal_name: { prefix: "a" } }]).map(
    (authenticated): Json => ({
      authenticated,
    }),
  ),
);

const permissionFact: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: header },
  { weight: 5, arbitrary: urlPath },
  { weight: 1, arbitrary: fc.constant({ any: true }) },
  { weight: 2, arbitrary: of(ports).map((destination_port): Json => ({ destination_port })) },
  { weight: 1, arbitrary: fc.constant({ destination_port_range: { start: 80, end: 443 } }) },
  { weight: 1, arbitrary: of(["", "a.example"]).map((exact): Json => ({ requested_server_name: { exact } })) },
  { weight: 1, arbitrary: of(["/*", "/a/*", "/a/**"]).map(template) },
  { weight: 2, arbitrary: metadata },
);
const principalFact: fc.Arbitrary<Json> = fc.oneof(
  { weight: 5, arbitrary: header },
  { weight: 3, arbitrary: fc.constant({ any: true }) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(of(["source_ip", "remote_ip", "remote_ip", "remote_ip"]), cidr)
      .map(([kind, range]): Json => ({ [kind]: range })),
  },
  { weight: 1, arbitrary: urlPath },
  { weight: 1, arbitrary: metadata },
);

interface Words {
  readonly fact: fc.Arbitrary<Json>;
  readonly and: string;
  readonly or: string;
  readonly not: string;
  /** The field of a list. */
  readonly list: string;
}

/** Facts within conditions up to three deep. */
function nested({ fact, and, or, not, list }: Words): fc.Arbitrary<Json> {
  const level = (depth: number): fc.Arbitrary<Json> => {
    if (depth === 0) return fact;
    const inner = level(depth - 1);
    return fc.oneof(
      { weight: 2, arbitrary: fact },
      { weight: 1, arbitrary: combined(and, list, inner) },
      { weight: 1, arbitrary: combined(or, list, inner) },
      { weight: 1, arbitrary: inner.map((condition): Json => ({ [not]: condition })) },
    );
  };
  return level(3);
}

function combined(kind: string, list: string, part: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => ({ [kind]: { [list]: parts } }));
}

function template(path_template: string): Json {
  const type = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
  return { uri_template: { name: "template", typed_config: { "@type": type, path_template } } };
}

const permissionWords = { and: "and_rules", or: "or_rules", not: "not_rule", list: "rules" };
const principalWords = { and: "and_ids", or: "or_ids", not: "not_id", list: "ids" };
const several = (one: fc.Arbitrary<Json>): fc.Arbitrary<Json[]> => fc.array(one, { minLength: 1, maxLength: 2 });

/** @param withLoss Whether there is also what cannot be carried over. */
function engine(actions: readonly string[], withLoss: boolean): fc.Arbitrary<Json> {
  const facts = (whole: fc.Arbitrary<Json>, some: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
    withLoss ? fc.oneof({ weight: 4, arbitrary: whole }, { weight: 1, arbitrary: some }) : whole;
  const policy = fc.record({
    permissions: several(nested({ fact: facts(permissionFact, lossyPermission), ...permissionWords })),
    principals: several(nested({ fact: facts(principalFact, lossyPrincipal), ...principalWords })),
  });
  return fc
    .tuple(of(actions), fc.array(policy, { minLength: 1, maxLength: 3 }))
    .map(([action, list]) => ({ action, policies: Object.fromEntries(list.map((one, i) => [`p${i}`, one])) }));
}

function filtersOf(withLoss: boolean): fc.Arbitrary<readonly Json[]> {
  const deciding = engine(["ALLOW", "DENY"], withLoss);
  return fc.oneof(
    { weight: 8, arbitrary: deciding.map((rules) => [{ rules }]) },
    { weight: 1, arbitrary: engine(["LOG"], withLoss).map((rules) => [{ rules }]) },
    { weight: 2, arbitrary: fc.tuple(deciding, deciding).map(([rules, shadow_rules]) => [{ rules, shadow_rules }]) },
    { weight: 2, arbitrary: fc.tuple(deciding, deciding).map((both) => both.map((rules) => ({ rules }))) },
  );
}

/** Fields of one rbac filter, or of two in a row. */
export const filters = fc.oneof({ weight: 3, arbitrary: filtersOf(false) }, { weight: 1, arbitrary: filtersOf(true) });

/** An engine that is given shadow rules only. */
export const shadowEngine = engine(["ALLOW", "DENY"], false);

export const connection: fc.Arbitrary<Connection> = fc.record({ source: of(sources), port: of(ports) });

const line = fc.tuple(of(headerNames), of(values));
export const request: fc.Arbitrary<Request> = fc
  .record({
    method: of(methods),
    path: of(paths),
    query: fc.oneof({ weight: 4, arbitrary: fc.constant("") }, { weight: 1, arbitrary: of(["?q=1", "?a"]) }),
    host: of(hosts),
    headers: fc.uniqueArray(line, { maxLength: 2, selector: ([name]) => name }),
    forwarded: fc.array(of(sources), { maxLength: 3 }),
  })
  .map(({ path, query, headers, forwarded, ...rest }) => ({
    ...rest,
    path: path + query,
    headers: [...headers, ...(forwarded.length > 0 ? [["x-forwarded-for", forwarded.join(", ")] as const] : [])],
  }));
