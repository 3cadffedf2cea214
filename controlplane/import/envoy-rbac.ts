import type { Action, ClaimPath, ClaimTest, Rule, StringTest } from "./configuration.ts";
import { connectionAddress, parseCidr } from "./cidr.ts";
import { celText } from "./cel-text.ts";
import type { Cursor } from "./cursor.ts";
import { all, always, any, fact, lost, never, not, type Expression } from "./expression.ts";
import { headerMatcher, pathExtension, pathMatcher } from "./envoy-requests.ts";
import { stringTest } from "./envoy-strings.ts";
import type { Findings } from "./finding.ts";
import { ruleForNobody, rulesOf, type Names } from "./rules.ts";
import { celString, celTest, quoted } from "./texts.ts";

/** What the filters before have to do with an rbac filter. */
export interface RbacContext {
  /** Names under which jwt_authn writes the claims of a token, with the provider that does. */
  readonly payloads: ReadonlyMap<string, string>;
  /** As {@link ImportOptions} has it. */
  readonly trustedHops: number | undefined;
  /** Whether an rbac filter before this one allows by rules; both have to allow. */
  readonly isSecond: boolean;
}

const byHand = "state it by hand";

/** The rules of an rbac filter (`envoy.extensions.filters.http.rbac.v3.RBAC`). */
export function rbacRules(filter: Cursor, names: Names, findings: Findings, context: RbacContext): Rule[] {
  const stats = ["rules_stat_prefix", "shadow_rules_stat_prefix", "track_per_rule_stats"];
  filter.only("@type", "rules", "shadow_rules", "matcher", "shadow_matcher", ...stats);
  const result: Rule[] = [];
  for (const name of ["matcher", "shadow_matcher"] as const) {
    const tree = filter.get(name);
    if (tree === undefined) continue;
    tree.report(
      "loss",
      `a tree of matchers is not read${name === "matcher" ? "; everything is refused" : ""}`,
      "write it as policies",
    );
    if (name === "matcher") result.push({ name: names.unique("matcher"), action: "deny" });
  }
  const [rules, shadow] = [filter.get("rules"), filter.get("shadow_rules")];
  if (rules !== undefined) result.push(...engineRules(rules, false, names, findings, context));
  if (shadow !== undefined) result.push(...engineRules(shadow, true, names, findings, context));
  return result;
}

/** The action of `envoy.config.rbac.v3.RBAC`; ALLOW is the protobuf default. */
export function actionOf(rules: Cursor): Action | undefined {
  const action = rules.get("action")?.value ?? "ALLOW";
  const at = ["ALLOW", "DENY", "LOG"].findIndex((name, number) => action === name || action === number);
  if (at < 0) rules.get("action")?.report("error", "expected ALLOW, DENY or LOG");
  return (["allow", "deny", "audit"] as const)[at];
}

function engineRules(rules: Cursor, shadow: boolean, names: Names, findings: Findings, context: RbacContext): Rule[] {
  rules.only("action", "policies", "audit_logging_options");
  rules
    .get("audit_logging_options")
    ?.report("loss", "audit loggers are extensions of Envoy", "use `log` of the filter");
  const action = actionOf(rules);
  if (action === undefined) return [];
  // Envoy reads a map of policies in the order of their names; the order only tells which one is named in the log.
  const policies = rules
    .entries("policies")
    .map(([name, policy]) => ({ name, policy, condition: policyCondition(policy, context) }));
  const generate = (name: string, as: Action, condition: Expression, at: Cursor): Rule[] => {
    const head = { name, action: as, ...(shadow ? { shadow } : {}) };
    const problem = (message: string, advice: string): ReturnType<Cursor["finding"]> =>
      at.finding("loss", message, advice);
    return rulesOf(condition, head, names, (finding) => findings.add(finding), problem);
  };
  if (action === "allow" && context.isSecond && !shadow) {
    // Both filters have to allow, and rules that allow are alternatives: so this one refuses what it does not allow.
    return generate("not-allowed", "deny", not(any(...policies.map(({ condition }) => condition))), rules);
  }
  const result = policies.flatMap(({ name, policy, condition }) => generate(name, action, condition, policy));
  return result.length === 0 && action === "allow" && !shadow ? [ruleForNobody(names, "nobody")] : result;
}

function policyCondition(policy: Cursor, context: RbacContext): Expression {
  policy.only("permissions", "principals", "condition", "checked_condition", "cel_config");
  const conditions: Expression[] = [
    any(...policy.items("permissions").map((item) => permission(item, context))),
    any(...policy.items("principals").map((item) => principal(item, context))),
  ];
  const checked = policy.get("checked_condition");
  const condition = policy.get("condition") ?? checked?.get("expr");
  if (condition !== undefined) {
    const text = celText(condition);
    conditions.push(
      text === undefined
        ? lost(condition.finding("loss", "this form of CEL is not read", "write the condition in `when`"))
        : fact({ field: "when", value: text }),
    );
  }
  policy.get("cel_config")?.report("loss", "functions that a configuration adds to CEL are not there", byHand);
  return all(...conditions);
}

const children = (set: Cursor, name: string, read: (item: Cursor) => Expression): Expression[] =>
  set.only(name).items(name).map(read);

function permission(item: Cursor, context: RbacContext): Expression {
  const kinds = ["and_rules", "or_rules", "not_rule", "any", "header", "url_path", "uri_template", "destination_ip"];
  kinds.push(
    "destination_port",
    "destination_port_range",
    "metadata",
    "sourced_metadata",
    "requested_server_name",
    "matcher",
  );
  item.only(...kinds);
  const [kind, field] = item.oneOf(...kinds) ?? [];
  if (field === undefined) {
    item.report("error", `expected one of ${kinds.join(", ")}`);
    return never;
  }
  const recurse = (child: Cursor): Expression => permission(child, context);
  switch (kind) {
    case "and_rules":
      return all(...children(field, "rules", recurse));
    case "or_rules":
      return any(...children(field, "rules", recurse));
    case "not_rule":
      return not(recurse(field));
    case "any":
      return field.bool() ? always : never;
    case "header":
      return headerMatcher(field);
    case "url_path":
      return pathMatcher(field);
    case "uri_template":
      return pathExtension(field);
    case "destination_port":
      return fact({ field: "ports", value: field.integer() });
    case "destination_port_range": {
      const [start, end] = [field.get("start")?.integer() ?? 0, field.only("start", "end").get("end")?.integer() ?? 0];
      return fact({ field: "when", value: `destination.port >= ${start} && destination.port < ${end}` });
    }
    case "requested_server_name": {
      const test = stringTest(field, () => undefined);
      return test === undefined
        ? opaque(field, "a custom matcher")
        : fact({ field: "when", value: celTest("connection.requested_server_name", test) });
    }
    case "metadata":
      return metadata(field, context);
    case "sourced_metadata":
      return sourced(field, context);
    default:
      return opaque(field, kind === "matcher" ? "an extension of Envoy" : "the address that was called");
  }
}

function opaque(field: Cursor, what: string): Expression {
  return lost(field.finding("loss", `${what} is nothing that a rule compares`, byHand));
}

function principal(item: Cursor, context: RbacContext): Expression {
  const kinds = ["and_ids", "or_ids", "not_id", "any", "authenticated", "source_ip", "direct_remote_ip", "remote_ip"];
  kinds.push("header", "url_path", "metadata", "sourced_metadata", "filter_state", "custom");
  item.only(...kinds);
  const [kind, field] = item.oneOf(...kinds) ?? [];
  if (field === undefined) {
    item.report("error", `expected one of ${kinds.join(", ")}`);
    return never;
  }
  const recurse = (child: Cursor): Expression => principal(child, context);
  switch (kind) {
    case "and_ids":
      return all(...children(field, "ids", recurse));
    case "or_ids":
      return any(...children(field, "ids", recurse));
    case "not_id":
      return not(recurse(field));
    case "any":
      return field.bool() ? always : never;
    case "authenticated":
      return authenticated(field);
    case "source_ip":
    case "direct_remote_ip":
      return connectionAddress(field, addresses("peers", field), context.trustedHops);
    case "remote_ip":
      return addresses("sources", field);
    case "header":
      return headerMatcher(field);
    case "url_path":
      return pathMatcher(field);
    case "metadata":
      return metadata(field, context);
    case "sourced_metadata":
      return sourced(field, context);
    case "filter_state":
      return filterState(field);
    default:
      return opaque(field, "an extension of Envoy");
  }
}

const anything: StringTest = { regex: ".+" };

/** Envoy compares the URI SANs, or where there are none the DNS SANs or the subject. The filter knows URI SANs. */
function authenticated(field: Cursor): Expression {
  const matcher = field.only("principal_name").get("principal_name");
  const test = matcher === undefined ? undefined : stringTest(matcher, () => undefined);
  if (matcher !== undefined && test === undefined) return opaque(matcher, "a custom matcher");
  const peer = fact({ field: "principals", value: { peer: test ?? anything } });
  if (test !== undefined && /:\/\//.test(Object.values(test).join(""))) return peer;
  const withoutUri = not(fact({ field: "principals", value: { peer: anything } }));
  const finding = field.finding(
    "loss",
    "Envoy would also compare DNS names and the subject of a certificate; the filter knows its URIs",
    "give callers SPIFFE ids, and name these",
  );
  return lost(finding, { narrower: peer, wider: any(peer, withoutUri) });
}

function addresses(field: "peers" | "sources", range: Cursor): Expression {
  range.only("address_prefix", "prefix_len");
  const length = range.get("prefix_len")?.integer() ?? 0;
  const value = parseCidr(`${range.text("address_prefix") ?? ""}/${length}`);
  if (value !== undefined) return fact({ field, value });
  range.report("error", "expected an address and the length of its prefix");
  return never;
}

function sourced(field: Cursor, context: RbacContext): Expression {
  field.only("metadata_matcher", "metadata_source");
  const [matcher, source] = [field.get("metadata_matcher"), field.get("metadata_source")];
  if (source !== undefined && source.value !== "DYNAMIC" && source.value !== 0)
    return opaque(source, "metadata of routes");
  return matcher === undefined ? never : metadata(matcher, context);
}

/** Istio's name for the peer's identity. */
function filterState(field: Cursor): Expression {
  const matcher = field.only("key", "string_match", "address_match").get("string_match");
  if (field.text("key") !== "io.istio.peer_principal" || matcher === undefined) return opaque(field, "filter state");
  const test = stringTest(matcher, () => undefined);
  return test === undefined
    ? opaque(matcher, "a custom matcher")
    : fact({ field: "principals", value: { peer: test } });
}

/** Dynamic metadata: the claims that jwt_authn verified, or what any filter wrote. */
function metadata(field: Cursor, context: RbacContext): Expression {
  field.only("filter", "path", "value", "invert");
  const path = field.items("path").map((segment) => segment.only("key").text("key") ?? "");
  const value = field.get("value");
  if (value === undefined) {
    field.report("error", "expected a value");
    return never;
  }
  const [first = "", ...rest] = path;
  const provider = context.payloads.get(first);
  let expression: Expression;
  if (field.text("filter") !== "envoy.filters.http.jwt_authn") {
    expression = foreign(field, path, value);
  } else if (provider === undefined || rest.length === 0) {
    expression = opaque(
      field,
      `metadata ${JSON.stringify(first)} of jwt_authn, which no provider's payload_in_metadata is,`,
    );
  } else {
    const isOnly = context.payloads.size === 1;
    const verified = fact({ field: "principals", value: { provider } });
    const claims = claimValue(
      rest.length === 1 && !first.includes(".") && !rest[0]?.includes(".") ? (rest[0] ?? "") : rest,
      value,
    );
    expression = isOnly ? claims : all(verified, claims);
  }
  return field.flag("invert") ? not(expression) : expression;
}

function claimValue(claim: ClaimPath, value: Cursor): Expression {
  const kinds = ["string_match", "bool_match", "present_match", "list_match", "or_match", "null_match", "double_match"];
  value.only(...kinds);
  const [kind, field] = value.oneOf(...kinds) ?? [];
  const name = typeof claim === "string" ? claim : claim.join(".");
  switch (kind) {
    case "string_match": {
      const test = field && stringTest(field, () => undefined);
      if (test === undefined) return opaque(value, "a custom matcher");
      return fact({ field: "claims", value: claimTest(claim, test) });
    }
    case "bool_match":
      return fact({ field: "claims", value: { claim, equals: field?.bool() ?? false } });
    case "present_match":
      // To Envoy, `present_match: false` is a test that nothing passes.
      return field?.bool() === false ? never : fact({ field: "claims", value: { claim, present: true } });
    case "or_match":
      return any(...(field?.items("value_matchers") ?? []).map((item) => claimValue(claim, item)));
    case "list_match":
      return listValue(claim, name, field ?? value);
    default:
      return opaque(value, `this value of the claim ${name}`);
  }
}

function claimTest(claim: ClaimPath, test: StringTest): ClaimTest {
  if ("exact" in test) return { claim, equals: test.exact };
  if ("contains" in test) return { claim, regex: `.*${quoted(test.contains)}.*` };
  return { claim, ...test };
}

function listValue(claim: ClaimPath, name: string, list: Cursor): Expression {
  const matchers = list.get("one_of");
  if (matchers === undefined) return opaque(list, `a condition on all items of the claim ${name}`);
  const texts = (item: Cursor): StringTest[] | undefined => {
    const or = item.get("or_match");
    if (or !== undefined) {
      const all = or.items("value_matchers").map(texts);
      return all.some((tests) => tests === undefined) ? undefined : all.flatMap((tests) => tests ?? []);
    }
    const string = item.get("string_match");
    const test = string && stringTest(string, () => undefined);
    return test && [test];
  };
  const tests = texts(matchers);
  if (tests === undefined) return opaque(list, `this list of the claim ${name}`);
  list.report(
    "note",
    "a claim that is a text with spaces counts as a list of its words",
    "check that the issuer puts nothing that users choose into this claim",
  );
  return any(
    ...tests.map((test) =>
      fact({ field: "claims", value: "exact" in test ? { claim, contains: test.exact } : claimTest(claim, test) }),
    ),
  );
}

/** Metadata of any filter. What is not there, or is of another type, passes no test; to CEL it would be an error. */
function foreign(field: Cursor, path: readonly string[], value: Cursor): Expression {
  const keys = [field.text("filter") ?? "", ...path].map(celString);
  const place = (depth: number): string =>
    `metadata.filter_metadata${keys
      .slice(0, depth)
      .map((key) => `[${key}]`)
      .join("")}`;
  const steps = keys.map((key, depth) => `${key} in ${place(depth)}`);
  const found = place(keys.length);
  const of = (sample: string, test: string): Expression =>
    fact({ field: "when", value: [...steps, `type(${found}) == type(${sample})`, test].join(" && ") });
  const string = value.get("string_match");
  const test = string && stringTest(string, () => undefined);
  if (test !== undefined) return of('""', celTest(found, test));
  const present = value.get("present_match");
  if (present !== undefined) return present.bool() ? fact({ field: "when", value: steps.join(" && ") }) : never;
  const bool = value.get("bool_match");
  if (bool !== undefined) return of("true", `${found} == ${bool.bool()}`);
  return opaque(field, "this value of metadata");
}
