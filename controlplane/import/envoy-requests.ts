import type { NamedTest, StringTest } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { all, always, any, fact, lost, never, not, type Expression } from "./expression.ts";
import { empty, regexOf, stringTest, testOf } from "./envoy-strings.ts";
import { celTest, methodFact, pathCondition, quotedAnyCase } from "./texts.ts";

const byHand = "state it by hand, or as a CEL condition in `when`";

/** A `HeaderMatcher`. Pseudo-headers are conditions on method, host and path. */
export function headerMatcher(matcher: Cursor): Expression {
  matcher.only(
    ...old,
    "range_match",
    "present_match",
    "string_match",
    "name",
    "invert_match",
    "treat_missing_header_as_empty",
  );
  const name = (matcher.text("name") ?? "").toLowerCase();
  const test = headerTest(matcher);
  if (typeof test === "string") return lost(matcher.finding("loss", test, byHand));
  const present = attribute(name, undefined, matcher);
  const positive = test === undefined ? present : attribute(name, test, matcher);
  if (matcher.flag("treat_missing_header_as_empty") && name[0] !== ":") {
    const inverts = matcher.flag("invert_match");
    // What counts as empty counts as there.
    if (test === undefined) return absent(matcher) === inverts ? always : never;
    const counted = orEmpty(test, positive, not(present), matcher);
    return inverts ? not(counted) : counted;
  }
  if (!matcher.flag("invert_match")) return absent(matcher) ? not(present) : positive;
  // An inverted test of Envoy does not match where the header is absent, but for the one of presence.
  if (test === undefined) return absent(matcher) ? present : not(present);
  return all(present, not(positive));
}

/** A test that also holds where the header is absent, if an empty text passes it. */
function orEmpty(test: StringTest, positive: Expression, absence: Expression, at: Cursor): Expression {
  if (!("regex" in test)) return Object.values(test).every((text) => text === "") ? any(absence, positive) : positive;
  if (test.regex === empty.regex) return any(absence, positive);
  const finding = at.finding(
    "loss",
    "whether an absent header passes this pattern, as if it were empty, is not known",
    byHand,
  );
  return lost(finding, { narrower: positive, wider: any(absence, positive) });
}

const old = ["exact_match", "safe_regex_match", "prefix_match", "suffix_match", "contains_match"] as const;

/** `present_match: false` is the test of absence. */
function absent(matcher: Cursor): boolean {
  return matcher.get("present_match")?.bool() === false;
}

/** The test of a header's value; undefined for its presence; a text says why there is none. */
function headerTest(matcher: Cursor): StringTest | undefined | string {
  const [kind, field] = matcher.oneOf(...old, "range_match", "present_match", "string_match") ?? [];
  if (field === undefined || kind === "present_match") return undefined;
  if (kind === "range_match") return "a range of numbers cannot be compared";
  if (kind === "safe_regex_match") return { regex: regexOf(field) };
  if (kind !== "string_match") return testOf(kind?.replace("_match", ""), field.string());
  let refused = "";
  return stringTest(field, (message) => (refused = message)) ?? refused;
}

/** A test of a header or pseudo-header; undefined asks whether it is there. */
function attribute(name: string, test: StringTest | undefined, at: Cursor): Expression {
  switch (name) {
    case ":method":
      if (test === undefined) return always;
      return methodFact(test);
    case ":authority":
    case "host":
      return test === undefined ? always : hostFact(test);
    case ":path":
      return test === undefined ? always : wholePath(test, at);
    case ":scheme":
      return test === undefined ? always : fact({ field: "when", value: celTest("request.scheme", test) });
    default: {
      const value: NamedTest = { name, ...(test ?? { present: true }) };
      return fact({ field: "headers", value });
    }
  }
}

/** Envoy compares the host with its port. */
function hostFact(test: StringTest): Expression {
  if ("exact" in test && /^(\*\.)?[A-Za-z0-9._-]*[A-Za-z0-9_-]$/.test(test.exact)) {
    return fact({ field: "hosts", value: test.exact });
  }
  if ("exact" in test)
    return fact({ field: "when", value: celTest("request.host", { regex: quotedAnyCase(test.exact) }) });
  if ("prefix" in test)
    return fact({ field: "when", value: celTest("request.host", { regex: `${quotedAnyCase(test.prefix)}.*` }) });
  if ("suffix" in test)
    return fact({ field: "when", value: celTest("request.host", { regex: `.*${quotedAnyCase(test.suffix)}` }) });
  return fact({ field: "when", value: celTest("request.host", test) });
}

/** A test of the path with its query. What refuses looks at the path alone: a query must not open a way around. */
function wholePath(test: StringTest, at: Cursor): Expression {
  const whole = fact({ field: "when", value: celTest("request.path", test) });
  const text = "exact" in test ? test.exact : "prefix" in test ? test.prefix : "?";
  if (/[?#]/.test(text)) return whole;
  const path = pathCondition(test, at);
  const difference = at.finding("note", "rules that refuse do not look at the query, other than Envoy does with :path");
  return lost(difference, { narrower: all(path, whole), wider: path });
}

/** A `PathMatcher`: the path without its query. */
export function pathMatcher(matcher: Cursor): Expression {
  const path = matcher.only("path").get("path");
  if (path === undefined) return always;
  let refused = "";
  const test = stringTest(path, (message) => (refused = message));
  return test === undefined ? lost(path.finding("loss", refused, byHand)) : pathCondition(test, path);
}

const templateType = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

/** An extension that matches the path: a URI template. */
export function pathExtension(extension: Cursor): Expression {
  const config = extension.only("name", "typed_config").get("typed_config");
  const type = config?.text("@type") ?? "";
  if (config === undefined || !type.endsWith(templateType)) {
    return lost(extension.finding("loss", `${type || "this extension"} is code of its own`, byHand));
  }
  return pathCondition(
    { template: template(config.only("@type", "path_template").text("path_template") ?? "") },
    config,
  );
}

/** Envoy's `*`, `**` and `{name=pattern}` as the filter writes them. */
function template(text: string): string {
  const plain = text.replace(/\{\w+=([^}]*)\}/g, "$1");
  return plain.replace(/\*\*|\*/g, (wildcard) => `{${wildcard}}`);
}

/** A `RouteMatch`, as rules of jwt_authn have it. */
export function routeMatch(match: Cursor | undefined): Expression {
  if (match === undefined) return always;
  const specifiers = ["prefix", "path", "safe_regex", "path_separated_prefix", "path_match_policy", "connect_matcher"];
  match.only(...specifiers, "case_sensitive", "headers", "query_parameters", "grpc", "runtime_fraction");
  const conditions = match.items("headers").map(headerMatcher);
  conditions.push(...match.items("query_parameters").map(queryMatcher), routePath(match, match.oneOf(...specifiers)));
  if (match.get("grpc") !== undefined) {
    conditions.push(fact({ field: "headers", value: { name: "content-type", regex: "application/grpc(\\+.*)?" } }));
  }
  const fraction = match.get("runtime_fraction");
  if (fraction !== undefined)
    conditions.push(lost(fraction.finding("loss", "a share of the requests is no condition")));
  return all(...conditions);
}

function routePath(match: Cursor, specifier: readonly [string, Cursor] | undefined): Expression {
  const [kind, field] = specifier ?? [];
  if (field === undefined) return always;
  const anyCase = match.get("case_sensitive")?.bool() === false;
  switch (kind) {
    case "prefix": {
      const text = field.string();
      if (text === "" || text === "/") return always;
      return anyCase
        ? pathCondition({ regex: `${quotedAnyCase(text)}.*` }, field)
        : pathCondition({ prefix: text }, field);
    }
    case "path":
      return anyCase
        ? pathCondition({ regex: quotedAnyCase(field.string()) }, field)
        : pathCondition({ exact: field.string() }, field);
    case "path_separated_prefix":
      return anyCase
        ? pathCondition({ regex: `${quotedAnyCase(field.string())}(/.*)?` }, field)
        : fact({ field: "paths", value: { prefix: field.string() } });
    case "safe_regex":
      return pathCondition({ regex: regexOf(field) }, field);
    case "path_match_policy":
      return pathExtension(field);
    default:
      field.report("note", "the filter refuses CONNECT with 400 whatever the rules say");
      return never;
  }
}

function queryMatcher(matcher: Cursor): Expression {
  matcher.only("name", "string_match", "present_match");
  const name = matcher.text("name") ?? "";
  const string = matcher.get("string_match");
  if (string === undefined) {
    const present = fact({ field: "query", value: { name, present: true } });
    return absent(matcher) ? not(present) : present;
  }
  let refused = "";
  const test = stringTest(string, (message) => (refused = message));
  if (test === undefined) return lost(string.finding("loss", refused, byHand));
  return fact({ field: "query", value: { name, ...test } });
}
