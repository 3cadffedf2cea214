// Conditions of rules, one by one: the requests on which they hold, in an allow rule and in a deny rule.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { celFunctions } from "@meshwright/host/cel";
import { Authz, everybody, outcome } from "../../testing/authz.ts";
import type { Request } from "../../testing/filter.ts";

const authz = new Authz();
const rest = { name: "rest", action: "allow", ...everybody };

/** A condition, a request, and whether an allow rule and a deny rule with it match. */
type Row = readonly [condition: object, request: Request, allow: boolean, deny: boolean];
const xff = (...values: string[]): Request => ({
  headers: values.map((value) => ["x-forwarded-for", value] as const),
  from: "192.0.2.9:1",
});
const on = (path: string): Request => ({ path });
const rows: readonly Row[] = [
  // Paths. What a path says by escapes counts as what it says plainly, a line end included.
  [{ paths: [{ startsWith: "/ad" }] }, on("/admin"), true, true],
  [{ paths: [{ startsWith: "/ad" }] }, on("/%61dmin"), true, true],
  [{ paths: [{ startsWith: "/ad" }] }, on("/bad"), false, false],
  [{ paths: [{ regex: "/admin/.*" }] }, on("/admin/a%0ab"), true, true],
  [{ paths: [{ regex: "/admin/.*" }] }, on("/admin/%ff"), true, true],
  [{ paths: [{ regex: "/admin" }] }, on("/admin/x"), false, false],
  [{ paths: [{ regex: "/a/b" }] }, on("/a;v=1/b"), false, true],
  [{ paths: [{ template: "/users/{id}" }] }, on("/users/7"), true, true],
  [{ paths: [{ template: "/users/{id}" }] }, on("/users/"), false, false],
  [{ paths: [{ template: "/users/{id}" }] }, on("/users/7/x"), false, false],
  [{ paths: [{ template: "/users/{id}/{**}" }] }, on("/users/7/"), true, true],
  [{ paths: [{ template: "/users/{id}/{**}" }] }, on("/users/7/a/b"), true, true],
  [{ paths: [{ template: "/users/{id}/{**}" }] }, on("/users/7"), false, false],
  [{ paths: [{ template: "/{**}/x" }] }, on("/x"), true, true],
  [{ paths: [{ template: "/{**}/x" }] }, on("/a/b/x"), true, true],
  [{ paths: [{ template: "/a.b/{*}" }] }, on("/aXb/c"), false, false],
  // Parameters of the query: one that repeats must pass as a whole to allow.
  [{ query: [{ name: "role", exact: "a" }] }, on("/?role=a"), true, true],
  [{ query: [{ name: "role", exact: "a" }] }, on("/?r%6fle=%61"), true, true],
  [{ query: [{ name: "role", exact: "a" }] }, on("/?role=a&role=b"), false, true],
  [{ query: [{ name: "role", exact: "a" }] }, on("/?role=b&x=%zz"), false, true],
  [{ query: [{ name: "role", exact: "a b" }] }, on("/?role=a+b"), true, true],
  [{ query: [{ name: "role", present: false }] }, on("/?roles=a"), true, true],
  [{ query: [{ name: "role", exact: "a", invert: true }] }, on("/"), true, true],
  [{ query: [{ name: "role", regex: "a|b" }] }, on("/?role=c#role=a"), false, false],
  [{ not: { query: [{ name: "debug", present: true }] } }, on("/?debug"), false, false],
  [{ not: { query: [{ name: "debug", present: true }] } }, on("/?a=%2"), false, true],
  // Addresses.
  [{ sources: ["10.0.0.0/8"] }, xff("10.1.2.3"), true, true],
  [{ sources: ["10.0.0.0/8"] }, xff("10.1.2.3, 192.0.2.1"), false, false],
  [{ sources: ["10.0.0.0/8"] }, xff("1.1.1.1, 10.1.2.3"), true, true],
  [{ sources: ["10.0.0.0/8"] }, xff("192.0.2.1", "10.1.2.3:443"), true, true],
  [{ sources: ["10.0.0.0/8"] }, xff("[::ffff:10.1.2.3]:443"), true, true],
  [{ sources: ["10.0.0.0/8"] }, xff("::ffff:a01:203"), true, true],
  [{ sources: ["2001:db8::/32"] }, xff("2001:db8:0:0:0:0:0:1"), true, true],
  [{ sources: ["2001:db8::/33"] }, xff("2001:db8:8000::"), false, false],
  [{ sources: ["::/0"] }, xff("10.0.0.1"), false, false],
  [{ sources: ["0.0.0.0/0"] }, xff("::1"), false, false],
  [{ sources: ["10.0.0.0/8"] }, xff("010.1.2.3"), false, true],
  [{ sources: ["10.0.0.0/8"] }, xff("unknown"), false, true],
  [{ sources: ["192.0.2.0/24"] }, xff(), false, true],
  [{ not: { sources: ["10.0.0.0/8"] } }, xff("unknown"), false, true],
  [{ not: { sources: ["10.0.0.0/8"] } }, xff("10.0.0.1"), false, false],
  [{ peers: ["192.0.2.9/32"] }, xff("10.1.2.3"), true, true],
  [{ peers: ["192.0.2.8"] }, xff("10.1.2.3"), false, false],
  // Headers.
  [{ headers: [{ name: "x-a", regex: "[0-9]+" }] }, { headers: [["x-a", "1, 22"]] }, true, true],
  [{ headers: [{ name: "x-a", regex: "[0-9]+" }] }, { headers: [["x-a", "1, x"]] }, false, true],
  [{ headers: [{ name: "x-a", contains: "min" }] }, { headers: [["x-a", "admins"]] }, true, true],
  // What is absent: no value passes, and none is excluded.
  [{ not: { principals: [{ authenticated: true }] } }, {}, true, true],
  [{ principals: [{ peer: { prefix: "spiffe://" } }] }, {}, false, false],
  [{ not: { principals: [{ peer: { prefix: "spiffe://" } }] } }, {}, true, true],
  [{ ports: [443] }, {}, false, false],
];

test("conditions", async () => {
  for (const [condition, request, allow, deny] of rows) {
    const common = { trustedHops: 1 };
    const allowing = await authz.worker({
      ...common,
      rules: [{ name: "r", action: "allow", ...everybody, ...condition }],
    });
    const denying = await authz.worker({ ...common, rules: [{ name: "r", action: "deny", ...condition }, rest] });
    const what = `${JSON.stringify(condition)} ${JSON.stringify(request)}`;
    assert.equal(outcome(allowing, request), allow ? "200" : "403 no_rule", `allow ${what}`);
    assert.equal(outcome(denying, request), deny ? "403 rule[r]" : "200", `deny ${what}`);
    allowing.close();
    denying.close();
  }
});

test("times", async () => {
  const filter = await authz.worker({
    rules: [
      { name: "past", action: "deny", paths: [{ exact: "/past" }], times: [{ until: "2026-01-01T01:00:00+01:00" }] },
      { name: "from", action: "deny", paths: [{ exact: "/from" }], times: [{ from: "2025-12-31T19:00:00-05:00" }] },
      // The clock begins at midnight UTC, on a Thursday.
      {
        name: "day",
        action: "deny",
        paths: [{ exact: "/day" }],
        times: [{ days: ["thu"], start: "00:00", end: "00:01" }],
      },
      {
        name: "night",
        action: "deny",
        paths: [{ exact: "/night" }],
        times: [{ days: ["wed"], start: "22:00", end: "06:00" }],
      },
      { name: "west", action: "deny", paths: [{ exact: "/west" }], times: [{ days: ["thu"], utcOffset: "-00:01" }] },
      rest,
    ],
  });
  const statuses = (): string =>
    ["past", "from", "day", "night", "west"].map((path) => outcome(filter, { path: `/${path}` }).slice(0, 3)).join(" ");
  const { clock } = authz.envoy;
  const midnight = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
  clock.step(Number((midnight - clock.realtime) / 1_000_000n));
  assert.equal(statuses(), "200 403 403 403 200");
  clock.step(60_000);
  assert.equal(statuses(), "200 403 200 403 403");
  clock.step(6 * 3_600_000);
  assert.equal(statuses(), "200 403 200 200 403");
  clock.step(-7 * 3_600_000);
  assert.equal(statuses(), "403 200 200 403 200");
});

test("audit and shadow rules count, and change nothing", async () => {
  for (const evaluation of ["firstMatch", "precedence"]) {
    const filter = await authz.worker({
      evaluation,
      rules: [
        { name: "seen", action: "audit", paths: [{ prefix: "/a" }] },
        { name: "next", action: "deny", shadow: true, methods: ["GET"] },
        rest,
      ],
    });
    assert.equal(outcome(filter, { path: "/a" }), "200");
    assert.equal(outcome(filter, { path: "/b" }), "200");
    assert.equal(authz.envoy.metric("authz.observed.seen"), 1, evaluation);
    assert.equal(authz.envoy.metric("authz.observed.next"), 2, evaluation);
  }
});

test("precedence: deny before allow, and what no rule allows only where none could", async () => {
  const deny = { name: "no", action: "deny", paths: [{ prefix: "/no" }] };
  const only = { name: "yes", action: "allow", paths: [{ prefix: "/yes" }, { prefix: "/no" }], ...everybody };
  const denying = await authz.worker({ evaluation: "precedence", rules: [deny] });
  const both = await authz.worker({ evaluation: "precedence", rules: [only, deny] });
  const outcomes = (filter: typeof both): string[] => ["/no", "/yes", "/x"].map((path) => outcome(filter, { path }));
  assert.deepEqual(outcomes(denying), ["403 rule[no]", "200", "200"]);
  assert.deepEqual(outcomes(both), ["403 rule[no]", "200", "403 no_rule"]);
});

test("CEL: what fails, or is no bool, refuses", async () => {
  const host = await ProxyWasmHost.load(await authz.module, { foreign: celFunctions() });
  const statusOf = (when: string, action: string): number | undefined => {
    const rules = [{ name: "r", action, when: [when], ...everybody }, ...(action === "deny" ? [rest] : [])];
    const plugin = host.startPlugin({ configuration: JSON.stringify({ rules }) });
    assert.ok(plugin.ok, plugin.reason);
    const stream = plugin.newHttpStream();
    stream.requestHeaders({ ":method": "GET", ":path": "/a", ":authority": "x" }, { endOfStream: true });
    stream.close();
    return stream.localResponse?.status;
  };
  for (const [when, allow, deny] of [
    ["request.path == '/a'", undefined, 403],
    ["request.path == '/b'", 403, undefined],
    ["request.headers['absent'] == 'a'", 403, 403],
    ["'a text'", 403, 403],
    ["1", 403, 403],
  ] as const) {
    assert.equal(statusOf(when, "allow"), allow, `allow ${when}`);
    assert.equal(statusOf(when, "deny"), deny, `deny ${when}`);
  }
  const bad = host.startPlugin({
    configuration: JSON.stringify({ rules: [{ name: "r", action: "deny", when: ["a ="] }] }),
  });
  assert.equal(bad.ok, false);
  assert.match(
    bad.log.map(({ message }) => message).join("\n"),
    /rules\[0\]\.when: expected CEL expressions; "a =" is none/,
  );
  host.close();
});

test("peers by the URI of their certificate", async () => {
  const host = await ProxyWasmHost.load(await authz.module);
  const principals = [{ peer: { regex: "spiffe://corp\\.example/ns/[^/]+/sa/web" } }];
  const plugin = host.startPlugin({
    configuration: JSON.stringify({ rules: [{ name: "r", action: "allow", principals }] }),
  });
  assert.ok(plugin.ok, plugin.reason);
  for (const [uri, status] of [
    ["spiffe://corp.example/ns/a/sa/web", undefined],
    ["spiffe://corp.example/ns/a/sa/web2", 403],
    ["spiffe://corpXexample/ns/a/sa/web", 403],
  ] as const) {
    const stream = plugin.newHttpStream({ properties: { "connection.uri_san_peer_certificate": uri } });
    stream.requestHeaders({ ":method": "GET", ":path": "/", ":authority": "x" }, { endOfStream: true });
    assert.equal(stream.localResponse?.status, status, uri);
    stream.close();
  }
  host.close();
});
