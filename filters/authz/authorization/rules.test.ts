// Rules: which requests each condition is for, in allow and in deny rules.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Authz, CLAIMS, ISSUER, apiKeys, bearer, key, outcome, provider, type Headers } from "../../testing/authz.ts";
import { type Request, type Worker } from "../../testing/filter.ts";
import { sign } from "../../testing/keys.ts";

const authz = new Authz();

test("rules", async () => {
  const rules = [
    { name: "no-trace", action: "deny", methods: ["TRACE", "TRACK"] },
    { name: "no-legacy", action: "deny", headers: [{ name: "x-client", prefix: "legacy/" }] },
    { name: "no-bob", action: "deny", principals: [{ issuer: ISSUER, subject: "bob" }] },
    { name: "no-guests", action: "deny", claims: [{ claim: "scope", contains: "guest" }] },
    { name: "hosts", action: "allow", hosts: ["in.example"], paths: [{ exact: "/host" }], principals: [{ any: true }] },
    {
      name: "below",
      action: "allow",
      hosts: ["*.in.example"],
      paths: [{ exact: "/host" }],
      principals: [{ any: true }],
    },
    { name: "css", action: "allow", methods: ["GET"], paths: [{ suffix: ".css" }], principals: [{ anonymous: true }] },
    {
      name: "write",
      action: "allow",
      methods: ["POST"],
      paths: [{ prefix: "/a" }],
      claims: [{ claim: "scope", contains: "write" }],
    },
    {
      name: "admin",
      action: "allow",
      paths: [{ prefix: "/admin" }],
      claims: [{ claim: ["tenant", "admins"], contains: "alice" }],
    },
    {
      name: "verified",
      action: "allow",
      paths: [{ exact: "/v" }],
      claims: [{ claim: "email_verified", equals: true }],
    },
    {
      name: "exact",
      action: "allow",
      paths: [{ exact: "/e" }],
      claims: [
        { claim: "scope", equals: "read write" },
        { claim: "sub", equals: "alice" },
      ],
    },
    {
      name: "billing",
      action: "allow",
      paths: [{ prefix: "/bills" }],
      principals: [{ apiKey: "billing" }, { issuer: ISSUER, subject: "alice" }],
    },
    {
      name: "team",
      action: "allow",
      paths: [{ exact: "/team" }],
      headers: [
        { name: "x-team", exact: "a" },
        { name: "x-old", present: false },
      ],
    },
  ];
  const filter = await authz.worker({ apiKeys, jwtProviders: [provider], rules });
  const as = async (claims: object): Promise<Headers> => [
    ["authorization", `Bearer ${await sign("RS256", { ...CLAIMS, ...claims })}`],
  ];
  const bob = await as({ sub: "bob" });
  const guest = await as({ scope: "read guest" });
  const verified = await as({ email_verified: true });
  const verifiedText = await as({ email_verified: "true" });
  const reader = await as({ scope: "read writer" });
  const nested = await as({ tenant: { admins: "bob alice" } });
  const nestedDeeper = await as({ tenant: { admins: [["alice"], { alice: "alice" }, 1, null] } });

  const cases: readonly (readonly [string, Request])[] = [
    ["403 rule[no-trace]", { method: "TRACE", headers: bearer() }],
    ["403 no_rule", { method: "trace", headers: bearer() }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "legacy/1"]] }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "new/1"], ["X-Client", "legacy/2"]] }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "new/1 , legacy/2"]] }],
    ["200", { path: "/e", headers: [...bearer(), ["x-client", "new/1"]] }],
    ["403 rule[no-bob]", { path: "/bills", headers: bob }],
    ["403 rule[no-guests]", { path: "/bills", headers: guest }],
    ["200", { path: "/host", authority: "in.example" }],
    ["200", { path: "/host", authority: "IN.Example:8443" }],
    ["200", { path: "/host", authority: "in.example." }],
    ["200", { path: "/host", authority: "a.b.in.example:80" }],
    ["401 missing_credentials", { path: "/host", authority: "xin.example" }],
    ["401 missing_credentials", { path: "/host", authority: ".in.example.evil" }],
    ["401 missing_credentials", { path: "/host", authority: "" }],
    ["200", { path: "/style/a.css" }],
    ["403 no_rule", { path: "/style/a.css", headers: bearer() }],
    ["401 missing_credentials", { method: "POST", path: "/style/a.css" }],
    ["200", { method: "POST", path: "/a/b", headers: bearer() }],
    ["200", { method: "POST", path: "/a", headers: bearer() }],
    ["403 no_rule", { method: "POST", path: "/ab", headers: bearer() }],
    ["403 no_rule", { method: "POST", path: "/a", headers: reader }],
    ["401 missing_credentials", { method: "POST", path: "/a" }],
    ["403 no_rule", { method: "POST", path: "/a", headers: key("ci-key-old") }],
    ["200", { path: "/admin/x", headers: bearer() }],
    ["200", { path: "/admin/x", headers: nested }],
    ["403 no_rule", { path: "/admin/x", headers: nestedDeeper }],
    ["200", { path: "/v", headers: verified }],
    ["403 no_rule", { path: "/v", headers: verifiedText }],
    ["403 no_rule", { path: "/v", headers: bearer() }],
    ["200", { path: "/e", headers: bearer() }],
    ["403 no_rule", { path: "/e/", headers: bearer() }],
    ["200", { path: "/bills/1", headers: key("billing-key") }],
    ["200", { path: "/bills/1", headers: bearer() }],
    ["403 no_rule", { path: "/bills/1", headers: key("ci-key-old") }],
    ["200", { path: "/team", headers: [...bearer(), ["x-team", "a"]] }],
    ["200", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-team", "a,a"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-team", "b"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a,b"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", ""]] }],
    ["403 no_rule", { path: "/team", headers: bearer() }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-old", ""]] }],
  ];
  for (const [expected, request] of cases) assert.equal(outcome(filter, request), expected, JSON.stringify(request));
});

test("tests of headers, for allow and for deny", async () => {
  // Each test, and for each list of values whether it holds in an allow rule, and in a deny rule.
  const lists: readonly (readonly string[])[] = [[], ["a"], ["b"], ["a", "b"], ["a,b"], [""], ["b", "b"]];
  const cases: readonly (readonly [object, allow: string, deny: string])[] = [
    [{ exact: "a" }, "0100000", "0101100"],
    [{ exact: "a", invert: true }, "1010011", "1011111"],
    [{ prefix: "a" }, "0100000", "0101100"],
    [{ suffix: "b", invert: true }, "1100010", "1101110"],
    [{ exact: "a,b" }, "0000100", "0000100"],
    [{ present: true }, "0111111", "0111111"],
    [{ present: false }, "1000000", "1000000"],
    [{ present: true, invert: true }, "1000000", "1000000"],
  ];
  for (const [condition, allow, deny] of cases) {
    const headers = [{ name: "x-h", ...condition }];
    const everybody = { principals: [{ any: true }] };
    const allowing = await authz.worker({ rules: [{ name: "r", action: "allow", headers, ...everybody }] });
    const denying = await authz.worker({
      rules: [
        { name: "r", action: "deny", headers },
        { name: "rest", action: "allow", ...everybody },
      ],
    });
    const holds = (filter: Worker, wanted: string): string =>
      lists
        .map((values) => outcome(filter, { headers: values.map((value) => ["x-h", value]) }))
        .map((result) => (result.startsWith(wanted) ? "1" : "0"))
        .join("");
    assert.equal(holds(allowing, "200"), allow, `allow ${JSON.stringify(condition)}`);
    assert.equal(holds(denying, "403"), deny, `deny ${JSON.stringify(condition)}`);
  }
});

test("rules on claims are found among many by what a token has: texts, words, items, numbers", async () => {
  const decoys = Array.from({ length: 60 }, (_, i) => ({
    name: `decoy-${i}`,
    action: "deny",
    // More claims than are looked up.
    claims: [{ claim: i < 40 ? "scope" : `claim-${i}`, contains: `other-${i}` }],
  }));
  const hits: readonly object[] = [
    { claim: "scope", equals: "read write" },
    { claim: "scope", contains: "read" },
    { claim: "scope", contains: "write" },
    { claim: "tenant.admins", contains: "alice" },
    { claim: "tenant.id", equals: 7 },
    { claim: "sub", equals: "alice" },
    { claim: "sub", contains: "alice" },
    { claim: "sub", prefix: "al" },
  ];
  const misses: readonly object[] = [
    { claim: "scope", equals: "read" },
    { claim: "scope", contains: "rea" },
    { claim: "scope", contains: "read write" },
    { claim: "tenant.admins", equals: "alice" },
    { claim: "admins", contains: "alice" },
    { claim: "tenant.id", equals: "7" },
  ];
  const last = { name: "rest", action: "allow" };
  for (const [claims, expected] of [
    [hits, "403 rule[claim]"],
    [misses, "200"],
  ] as const) {
    for (const claim of claims) {
      const rules = [...decoys, { name: "claim", action: "deny", claims: [claim] }, last];
      const filter = await authz.worker({ jwtProviders: [provider], rules });
      assert.equal(outcome(filter, { headers: bearer() }), expected, JSON.stringify(claim));
    }
  }
});
