// Rules say what the expression said that they were made from; where they cannot, they grant less or refuse more.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Lists, PathTest, PrincipalTest, Rule } from "./configuration.ts";
import { all, always, any, fact, lost, never, not, type Expression, type Fact } from "./expression.ts";
import type { Finding } from "./finding.ts";
import { Names, rulesOf, type RuleHead } from "./rules.ts";

/** A request, as far as these facts ask. */
interface Sample {
  readonly method: string;
  readonly path: string;
  readonly port: number;
  readonly peer: string;
  readonly caller: string;
  readonly role: string | undefined;
  /** Whether the condition holds that no rule can state. */
  readonly unsayable: boolean;
}

const paths = ["/a", "/a/b", "/ab", "/b", "/a/b.css"] as const;
const samples: Sample[] = ["GET", "PUT"].flatMap((method) =>
  paths.flatMap((path) =>
    [80, 81].flatMap((port) =>
      ["10.1.0.1", "10.2.0.1"].flatMap((peer) =>
        ["a", "b"].flatMap((caller) =>
          [undefined, "a"].flatMap((role) =>
            [false, true].map((unsayable) => ({ method, path, port, peer, caller, role, unsayable })),
          ),
        ),
      ),
    ),
  ),
);

const finding: Finding = { kind: "loss", file: "f", line: 1, column: 1, path: "", message: "unsayable", advice: "" };
const unsayable = lost(finding);

const facts: readonly Fact[] = [
  { field: "methods", value: "GET" },
  { field: "methods", value: "PUT" },
  { field: "ports", value: 80 },
  { field: "ports", value: 81 },
  { field: "paths", value: { exact: "/a" } },
  { field: "paths", value: { prefix: "/a" } },
  { field: "paths", value: { startsWith: "/a" } },
  { field: "paths", value: { startsWith: "/a/b" } },
  { field: "paths", value: { suffix: ".css" } },
  { field: "peers", value: "10.0.0.0/8" },
  { field: "peers", value: "10.1.0.0/16" },
  { field: "principals", value: { issuer: "a" } },
  { field: "principals", value: { issuer: "b" } },
  { field: "headers", value: { name: "role", exact: "a" } },
  { field: "headers", value: { name: "role", present: true } },
];

const expressions = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...facts.map(fact), always, never, unsayable),
    tie("node").map(not),
    fc.array(tie("node"), { maxLength: 3 }).map((of) => all(...of)),
    fc.array(tie("node"), { maxLength: 3 }).map((of) => any(...of)),
  ),
})).node;

function holds(expression: Expression, sample: Sample): boolean {
  switch (expression.kind) {
    case "fact":
      return factHolds(expression.fact, sample);
    case "not":
      return !holds(expression.of, sample);
    case "all":
      return expression.of.every((part) => holds(part, sample));
    case "any":
      return expression.of.some((part) => holds(part, sample));
    case "between":
      return sample.unsayable;
  }
}

function factHolds(of: Fact, sample: Sample): boolean {
  switch (of.field) {
    case "headers": {
      const test = of.value;
      const isMatch = "exact" in test ? sample.role === test.exact : sample.role !== undefined;
      return isMatch !== (test.invert ?? false);
    }
    case "query":
    case "claims":
    case "when":
      throw new Error(`no ${of.field} here`);
    default:
      return valueHolds(of.field, of.value, sample);
  }
}

function valueHolds(field: keyof Lists, value: Lists[keyof Lists], sample: Sample): boolean {
  switch (field) {
    case "methods":
      return value === sample.method;
    case "ports":
      return value === sample.port;
    case "peers":
      return value === "10.0.0.0/8" || (value === "10.1.0.0/16" && sample.peer.startsWith("10.1."));
    case "paths":
      return pathHolds(value as PathTest, sample.path);
    case "principals":
      return principalHolds(value as PrincipalTest, sample.caller);
    default:
      throw new Error(`no ${field} here`);
  }
}

function pathHolds(test: PathTest, path: string): boolean {
  if ("exact" in test) return path === test.exact;
  if ("prefix" in test) return path === test.prefix || path.startsWith(`${test.prefix}/`);
  if ("startsWith" in test) return path.startsWith(test.startsWith);
  if ("suffix" in test) return path.endsWith(test.suffix);
  throw new Error("no such test here");
}

function principalHolds(test: PrincipalTest, caller: string): boolean {
  if ("any" in test) return true;
  if ("issuer" in test) return test.issuer === caller;
  if ("allOf" in test) return test.allOf.every((part) => principalHolds(part, caller));
  if ("anyOf" in test) return test.anyOf.some((part) => principalHolds(part, caller));
  if ("not" in test) return !principalHolds(test.not, caller);
  throw new Error("no such principal here");
}

const fields = ["methods", "ports", "paths", "peers", "principals"] as const;

function matches(rule: Rule, sample: Sample): boolean {
  const someHolds = (values: readonly Lists[keyof Lists][], field: keyof Lists): boolean =>
    values.some((value) => valueHolds(field, value, sample));
  return (
    fields.every((field) => rule[field] === undefined || someHolds(rule[field], field)) &&
    fields.every((field) => !someHolds(rule.not?.[field] ?? [], field)) &&
    (rule.headers ?? []).every((value) => factHolds({ field: "headers", value }, sample))
  );
}

function check(expression: Expression, head: RuleHead): void {
  const losses: string[] = [];
  const problem = (message: string, advice: string): Finding => ({ ...finding, message, advice });
  const rules = rulesOf(expression, head, new Names(), ({ message }) => losses.push(message), problem);
  for (const sample of samples) {
    const [before, after] = [holds(expression, sample), rules.some((rule) => matches(rule, sample))];
    if (before === after) continue;
    assert.ok(losses.length > 0, "a difference that nobody was told of");
    assert.equal(after, head.action === "deny", `${JSON.stringify(sample)}: ${String(before)} became ${String(after)}`);
  }
}

for (const action of ["allow", "deny"] as const) {
  test(`rules that ${action}`, () => {
    fc.assert(
      fc.property(expressions, (expression) => check(expression, { name: "r", action })),
      { numRuns: 1500 },
    );
  });
}

test("too many alternatives: nothing is granted, everything refused", () => {
  const pair = (i: number): Expression =>
    any(fact({ field: "headers", value: { name: `a${i}`, present: true } }), fact({ field: "when", value: `b${i}` }));
  const many = all(...Array.from({ length: 11 }, (_, i) => pair(i)));
  const of = (action: "allow" | "deny"): Rule[] =>
    rulesOf(
      many,
      { name: "r", action },
      new Names(),
      () => undefined,
      (message) => ({ ...finding, message }),
    );
  assert.deepEqual(of("allow"), []);
  assert.deepEqual(of("deny"), [{ name: "r", action: "deny" }]);
});

test("names are allowed, and no two the same", () => {
  const names = new Names();
  const given = ["a b", "a-b", "a/b", "", "é", "x".repeat(100), "x".repeat(100)].map((name) => names.unique(name));
  assert.equal(new Set(given).size, given.length);
  for (const name of given) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
});
