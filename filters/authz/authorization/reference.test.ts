// Random rules and requests: the filter, with its index, decides as the plain reference does.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Authz, apiKeys, outcome } from "../../testing/authz.ts";
import { judge, type ModelRequest, type ModelRule, type Principal, type Test } from "../../testing/authz-reference.ts";

const authz = new Authz();

const segments = ["a", "b", "ab", "1"];
const path = fc
  .tuple(fc.array(fc.constantFrom(...segments), { maxLength: 4 }), fc.boolean())
  .map(([parts, slash]) => (parts.length === 0 ? "/" : `/${parts.join("/")}${slash ? "/" : ""}`));
const method = fc.constantFrom("GET", "POST", "PUT");
const host = fc.constantFrom("a.example", "b.a.example", "ba.example", "example");
const role = fc.constantFrom("a", "b", "ab", "");
const source = fc.constantFrom("10.0.0.1", "10.1.0.1", "192.0.2.7", "10.0.0.300", "no address");
const pattern = fc.constantFrom("a", "a|b", "[ab]*", ".+", "a?b");

const only = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Test> => value.map((text) => ({ [name]: text }));
const text = fc.constantFrom("a", "b", "ab");
const textTest = fc.oneof(
  only("exact", text),
  only("exact", text),
  only("prefix", text),
  only("suffix", text),
  only("contains", text),
  only("regex", pattern),
  fc.boolean().map((present): Test => ({ present })),
);
const valueTest = fc
  .tuple(textTest, fc.boolean())
  .map(([value, invert]): Test => (invert ? { ...value, invert } : value));
const template = fc
  .array(fc.constantFrom("a", "b", "{*}"), { maxLength: 3 })
  .chain((parts) =>
    fc.constantFrom(
      `/${[...parts, "{**}"].join("/")}`,
      `/${["{**}", ...parts, "a"].join("/")}`,
      `/${[...parts, "b"].join("/")}`,
    ),
  );
const pathTest = fc.oneof(
  only("exact", path),
  only(
    "prefix",
    path.map((value) => (value.length > 1 ? value.replace(/\/$/, "") : value)),
  ),
  only("startsWith", fc.constantFrom("/", "/a", "/a/", "/ab/b")),
  only("suffix", fc.constantFrom("a", "/b", "b/", "ab/1")),
  only("regex", fc.constantFrom("/a(/.*)?", "/[ab]/[^/]+", ".*b", "/(a|1)*")),
  only("template", template),
);
const some = <T>(items: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(items, { minLength: 1, maxLength: 2 });
const requestConditions = {
  methods: some(method),
  hosts: some(fc.constantFrom("a.example", "*.a.example", "*.example")),
  paths: some(pathTest),
  query: some(fc.tuple(fc.constantFrom("q", "r"), valueTest).map(([name, value]) => ({ ...value, name }))),
  sources: some(fc.constantFrom("10.0.0.0/8", "10.0.0.0/16", "192.0.2.7", "0.0.0.0/0")),
  ports: some(fc.constantFrom(80, 443, 8080)),
};
const uri = fc.constantFrom("spiffe://a/x", "spiffe://a/y", "spiffe://b/x");
const { principal } = fc.letrec<{ principal: Principal }>((tie) => ({
  principal: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<Principal>({ any: true }, { authenticated: true }, { apiKey: "billing" }, { apiKey: "ci" }),
    fc.oneof(only("exact", uri), only("prefix", fc.constant("spiffe://a/"))).map((peer) => ({ peer })),
    fc.array(tie("principal"), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    tie("principal").map((not) => ({ not })),
  ),
}));
const rule = fc.record(
  {
    action: fc.constantFrom("allow" as const, "allow" as const, "deny" as const, "audit" as const),
    shadow: fc.constantFrom(false, false, false, true),
    principals: fc.oneof(fc.constant<Principal[]>([{ any: true }]), some(principal)),
    ...requestConditions,
    headers: some(valueTest.map((value) => ({ ...value, name: "x-role" as const }))),
    not: fc.record(requestConditions, { requiredKeys: [] }).filter((conditions) => Object.keys(conditions).length > 0),
  },
  { requiredKeys: ["action", "principals"] },
);
// Conditions are rare enough for rules to match at times.
const rules = fc
  .array(
    fc.tuple(
      rule,
      fc.subarray(["methods", "hosts", "paths", "query", "sources", "ports", "headers", "not"], { maxLength: 2 }),
    ),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .map((list) =>
    list.map(([fields, kept], i): ModelRule => {
      const always = ["action", "shadow", "principals"];
      const entries = Object.entries(fields).filter(([name]) => always.includes(name) || kept.includes(name));
      return { name: `r${i}`, ...Object.fromEntries(entries) } as ModelRule;
    }),
  );

const request: fc.Arbitrary<ModelRequest> = fc.record(
  {
    method,
    host,
    path,
    query: fc.array(fc.tuple(fc.constantFrom("q", "r", "s"), text), { maxLength: 3 }),
    roles: fc.array(
      fc.oneof(
        role,
        fc.tuple(role, role).map((pair) => pair.join(", ")),
      ),
      { maxLength: 2 },
    ),
    isMalformed: fc.constantFrom(false, false, false, true),
    source,
    port: fc.constantFrom(80, 443),
    uri,
    apiKey: fc.constantFrom("billing", "ci"),
  },
  { requiredKeys: ["method", "host", "path", "query", "isMalformed", "roles", "source"] },
);
const KEYS: Readonly<Record<string, string>> = { billing: "billing-key", ci: "ci-key-new" };

test("indexed rules decide as rules do one by one", async () => {
  const seen = { allowed: 0, denied: 0 };
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.boolean(),
      fc.boolean(),
      fc.array(request, { minLength: 30, maxLength: 30 }),
      async (list, precedence, ruleMetrics, all) => {
        const evaluation = precedence ? "precedence" : "firstMatch";
        const worker = await authz.worker({ apiKeys, evaluation, ruleMetrics, rules: list });
        for (const model of all) {
          const expected = judge(list, precedence, model);
          const headers = model.roles.map((value) => ["x-role", value] as const);
          const parameters = model.query.map(([name, value]) => `${name}=${value}`);
          const query = [...parameters, ...(model.isMalformed ? ["s=%zz"] : [])].join("&");
          const found = outcome(worker, {
            method: model.method,
            authority: model.host,
            path: model.path + (query === "" ? "" : `?${query}`),
            from: `${model.source}:1`,
            properties: {
              // What is no number of 64 bits is no port.
              "destination.port": model.port ?? "",
              ...(model.uri === undefined ? {} : { "connection.uri_san_peer_certificate": model.uri }),
            },
            headers: model.apiKey === undefined ? headers : [...headers, ["x-api-key", KEYS[model.apiKey] ?? ""]],
          });
          // Who gave no credential is asked for one where that could help.
          const isSame =
            found === "200"
              ? expected === "allowed"
              : found === `403 ${expected.slice(7)}` || found === "401 missing_credentials";
          assert.ok(
            isSame && (found !== "401 missing_credentials" || expected.startsWith("denied")),
            `${expected}: ${found} ${JSON.stringify(model)}`,
          );
          seen[found === "200" ? "allowed" : "denied"] += 1;
        }
        worker.close();
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(seen.allowed > 300 && seen.denied > 300, JSON.stringify(seen));
});
