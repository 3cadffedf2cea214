// What the tests of Envoy's rbac and of Istio's AuthorizationPolicy say must be, put as rules and requests of ours.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Authz, NOW, bearer, everybody, outcome } from "../../testing/authz.ts";
import type { Request } from "../../testing/filter.ts";
import { RSA_JWK, sign } from "../../testing/keys.ts";

const authz = new Authz();

async function check(configuration: object, cases: readonly (readonly [Request, boolean])[]): Promise<void> {
  const worker = await authz.worker(configuration);
  for (const [request, passes] of cases) {
    assert.equal(outcome(worker, request) === "200", passes, JSON.stringify(request));
  }
  worker.close();
}

const rule = (action: "allow" | "deny", conditions: object, name = "r"): object => ({
  name,
  action,
  ...everybody,
  ...conditions,
});

describe("Envoy's rbac: matchers_test", () => {
  const port = (value: number, more: object = {}): Request => ({ properties: { "destination.port": value, ...more } });
  const certificate = (value: object): Request => ({
    properties: Object.fromEntries(Object.entries(value).map(([name, text]) => [`connection.${name}`, text as string])),
  });
  const uri = (value: string): object => ({ "connection.uri_san_peer_certificate": value });

  test("AndMatcher, OrMatcher, PortMatcher", async () => {
    await check({ rules: [rule("allow", { ports: [123] })] }, [
      [port(123), true],
      [port(456), false],
      [port(8080), false],
    ]);
    await check({ rules: [rule("allow", { ports: [123] }, "a"), rule("allow", {}, "b")] }, [[port(456), true]]);
  });

  test("IPMatcher", async () => {
    await check({ rules: [rule("allow", { peers: ["1.2.3.0/24"] })] }, [
      [{ from: "1.2.3.4:123" }, true],
      [{ from: "1.2.4.6:123" }, false],
    ]);
    await check({ rules: [rule("allow", { peers: ["4.5.6.7/32"] })] }, [[{ from: "4.5.6.7:456" }, true]]);
    await check({ rules: [rule("allow", { peers: ["4.5.6.0/32"] })] }, [[{ from: "4.5.6.7:456" }, false]]);
  });

  test("NotMatcher of what always matches", async () => {
    await check({ rules: [{ name: "r", action: "allow", principals: [{ not: { any: true } }] }] }, [[{}, false]]);
  });

  test("HeaderMatcher", async () => {
    await check({ rules: [rule("allow", { headers: [{ name: "foo", exact: "bar" }] })] }, [
      [{ headers: [["foo", "bar"]] }, true],
      [{ headers: [["foo", "baz"]] }, false],
      [{}, false],
    ]);
  });

  test("AuthenticatedMatcher: URI, subject, no certificate", async () => {
    const is = (principal: object): object => ({ rules: [{ name: "r", action: "allow", principals: [principal] }] });
    await check(is({ peer: { exact: "foo" } }), [
      [certificate({ uri_san_peer_certificate: "foo" }), true],
      [certificate({ uri_san_peer_certificate: "bar" }), false],
      [certificate({ uri_san_peer_certificate: "" }), false],
      [{}, false],
    ]);
    await check(is({ peerSubject: { exact: "bar" } }), [
      [certificate({ uri_san_peer_certificate: "", subject_peer_certificate: "bar" }), true],
      [{}, false],
    ]);
    await check(is({ peerDns: { exact: "baz" } }), [
      [certificate({ dns_san_peer_certificate: "baz" }), true],
      [certificate({ dns_san_peer_certificate: "baz.example" }), false],
      [{}, false],
    ]);
  });

  test("PolicyMatcher: any of the permissions and any of the principals", async () => {
    const principals = [{ peer: { exact: "foo" } }, { peer: { exact: "bar" } }];
    await check({ rules: [{ name: "r", action: "allow", ports: [123, 456], principals }] }, [
      [port(456, uri("bar")), true],
      [port(123, uri("foo")), true],
      [port(456), false],
      [port(789, uri("bar")), false],
    ]);
  });
});

describe("Istio: tests/integration/security/authz_test", () => {
  const get = (path: string, more: Request = {}): Request => ({ path, ...more });

  test("DenyPrincipal: of two policies that deny, and one more for the whole mesh", async () => {
    const denied = { peer: { exact: "spiffe://cluster.local/ns/ns2/sa/a" } };
    const from = (namespace: string, path: string): Request =>
      get(path, {
        properties: { "connection.uri_san_peer_certificate": `spiffe://cluster.local/ns/${namespace}/sa/a` },
      });
    const under = (path: string): object => ({
      paths: [{ startsWith: path }],
      not: { paths: [{ exact: `${path}/allow` }] },
    });
    const rules = [
      { name: "denied", action: "deny", ...under("/deny"), principals: [denied] },
      rule("deny", under("/global-deny"), "global"),
    ];
    const cases = ["", "?param=value"].flatMap((query): (readonly [Request, boolean])[] => [
      [from("ns1", `/deny${query}`), true],
      [from("ns2", `/deny${query}`), false],
      [from("ns2", `/deny/allow${query}`), true],
      [from("ns2", `/allow${query}`), true],
      [from("ns1", `/global-deny${query}`), false],
      [from("ns2", `/global-deny/allow${query}`), true],
    ]);
    await check({ evaluation: "precedence", rules }, cases);
  });

  test("NotHost, NotMethod, NotPort", async () => {
    await check({ rules: [rule("allow", { not: { hosts: ["deny.b.com"] } })] }, [
      [{ authority: "allow.b.com" }, true],
      [{ authority: "deny.b.com" }, false],
    ]);
    await check({ rules: [rule("allow", { not: { methods: ["PUT"] } })] }, [
      [{ method: "GET" }, true],
      [{ method: "PUT" }, false],
    ]);
    await check({ rules: [rule("allow", { not: { ports: [85] } })] }, [
      [{ properties: { "destination.port": 80 } }, true],
      [{ properties: { "destination.port": 85 } }, false],
    ]);
  });

  test("PathPrecedence: what denies comes first", async () => {
    const rules = [
      rule("allow", { paths: [{ startsWith: "/allow" }] }, "a"),
      rule("deny", { paths: [{ exact: "/allow/admin" }] }, "d"),
    ];
    await check({ evaluation: "precedence", rules }, [
      [get("/allow/admin"), false],
      [get("/allow/admin?param=value"), false],
      [get("/allow"), true],
      [get("/allow?param=value"), true],
    ]);
  });

  test("PathTemplating", async () => {
    await check({ rules: [rule("allow", { paths: [{ template: "/allow/admin/{**}" }] })] }, [
      [get("/allow/admin/"), true],
      [get("/allow/admin"), false],
      [get("/allow/user/"), false],
      [get("/allow/admin?param=value"), false],
      [get("/allow"), false],
      [get("/allow/admin/temp"), true],
      [get("/allow/admin/temp.txt"), true],
      [get("/allow/admin/foo/temp.txt"), true],
    ]);
  });

  test("IngressGateway: hosts without case, addresses", async () => {
    const rules = [
      rule("deny", { hosts: ["deny.b.com", "*.suffix.b.com"] }, "hosts"),
      rule("deny", { hosts: ["internal.b.com"] }, "internal"),
      rule("deny", { paths: [{ exact: "/private" }] }, "private"),
      rule("deny", { hosts: ["remoteipblocks.b.com"], sources: ["172.17.72.46", "192.168.4.0/23"] }, "blocks"),
      rule("deny", { hosts: ["notremoteipblocks.b.com"], not: { sources: ["172.23.240.0/22"] } }, "not-blocks"),
      rule("deny", { hosts: ["remoteipattr.b.com"], sources: ["10.242.5.7", "10.124.99.0/24"] }, "attribute"),
    ];
    const from = (authority: string, path: string, address: string): Request => ({
      authority,
      path,
      headers: [["x-forwarded-for", address]],
    });
    const cases: (readonly [Request, boolean])[] = [
      [from("www.b.com", "/", "172.16.0.1"), true],
      [from("www.b.com", "/private", "172.16.0.1"), false],
      [from("www.b.com", "/public", "172.16.0.1"), true],
      [from("internal.b.com", "/", "172.16.0.1"), false],
      [from("internal.b.com", "/private", "172.16.0.1"), false],
      [from("remoteipblocks.b.com", "/", "172.17.72.46"), false],
      [from("remoteipblocks.b.com", "/", "192.168.5.233"), false],
      [from("remoteipblocks.b.com", "/", "10.4.5.6"), true],
      [from("notremoteipblocks.b.com", "/", "10.2.3.4"), false],
      [from("notremoteipblocks.b.com", "/", "172.23.242.188"), true],
      [from("remoteipattr.b.com", "/", "10.242.5.7"), false],
      [from("remoteipattr.b.com", "/", "10.124.99.10"), false],
      [from("remoteipattr.b.com", "/", "10.4.5.6"), true],
    ];
    for (const host of ["deny.b.com", "DENY.B.COM", "Deny.b.Com", "deny.suffix.b.com", "DENY.SUFFIX.B.COM"]) {
      cases.push([from(host, "/", "172.16.0.1"), false]);
    }
    await check({ evaluation: "precedence", trustedHops: 1, rules }, cases);
  });

  test("JWT: subjects, groups, scopes, nested claims", async () => {
    const issuers = ["test-issuer-1@istio.io", "test-issuer-2@istio.io"] as const;
    const token = (issuer: 1 | 2, claims: object = {}): Promise<string> =>
      sign("RS256", {
        iss: issuers[issuer - 1],
        sub: `sub-${String(issuer)}`,
        exp: NOW + 600,
        groups: [`group-${String(issuer)}`],
        ...claims,
      });
    const tokens = {
      one: await token(1),
      two: await token(2),
      scope: await token(2, { permission: "read write" }),
      nested1: await token(1, { nested: { key1: ["valueA", "valueB"], "nested-2": { key1: ["valueA"] } } }),
      nested2: await token(1, { nested: { key1: ["valueA"], key2: ["valueC"], "nested-2": { key1: ["valueB"] } } }),
    };
    const first = { issuer: issuers[0], subject: "sub-1" };
    const on = (path: string, conditions: object): object => ({
      name: path,
      action: "allow",
      methods: ["GET"],
      paths: [{ exact: `/${path}` }],
      ...conditions,
    });
    const nested = (path: string, claim: readonly string[], contains: string): object =>
      on(path, { claims: [{ claim, contains }] });
    const configuration = {
      jwtProviders: issuers.map((issuer, i) => ({ name: `p${String(i)}`, issuer, localJwks: { keys: [RSA_JWK] } })),
      rules: [
        on("token1", { principals: [first] }),
        on("token2", { claims: [{ claim: "groups", contains: "group-2" }] }),
        on("token3", { principals: [{ allOf: [{ authenticated: true }, { not: first }] }] }),
        on("tokenAny", {}),
        on("permission", { claims: [{ claim: "permission", contains: "write" }] }),
        nested("nested-key1", ["nested", "key1"], "valueB"),
        nested("nested-key2", ["nested", "key2"], "valueC"),
        nested("nested-2-key1", ["nested", "nested-2", "key1"], "valueA"),
        nested("nested-non-exist", ["nested", "non-exist"], "valueC"),
      ],
    };
    const cases: readonly (readonly [keyof typeof tokens | "", string, boolean])[] = [
      ["", "token1", false],
      ["", "token2", false],
      ["one", "token1", true],
      ["one", "token2", false],
      ["two", "token1", false],
      ["two", "token2", true],
      ["one", "token3", false],
      ["two", "token3", true],
      ["one", "tokenAny", true],
      ["two", "tokenAny", true],
      ["", "tokenAny", false],
      ["one", "permission", false],
      ["two", "permission", false],
      ["scope", "permission", true],
      ["nested1", "nested-key1", true],
      ["nested2", "nested-key1", false],
      ["nested1", "nested-key2", false],
      ["nested2", "nested-key2", true],
      ["nested1", "nested-2-key1", true],
      ["nested2", "nested-2-key1", false],
      ["nested1", "nested-non-exist", false],
      ["nested2", "nested-non-exist", false],
    ];
    await check(
      configuration,
      cases.map(([name, path, passes]) => [
        get(`/${path}`, name === "" ? {} : { headers: bearer(tokens[name]) }),
        passes,
      ]),
    );
  });
});
