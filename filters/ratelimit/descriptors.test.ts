import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { double } from "@meshwright/host";
import { Envoys, statusOf, type Envoy, type Request, type Worker } from "../testing/filter.ts";

// What requests are counted by, which rate is for them, and who is never limited.

const envoys = new Envoys("ratelimit");

const perHour = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "hour" });

async function start(configuration: unknown): Promise<{ envoy: Envoy; worker: Worker }> {
  const envoy = await envoys.start();
  return { envoy, worker: await envoy.worker(configuration) };
}

function statuses(worker: Worker, count: number, request: Request = {}): number[] {
  return Array.from({ length: count }, () => statusOf(worker.send(request)));
}

const header = (name: string, value: string): Request => ({ headers: [[name, value]] });
const forwarded = (list: string): Request => header("x-forwarded-for", list);
const claim = (value: string, name = "tenant"): Request => ({
  properties: { filter_state: { [`wasm.authz.claim.${name}`]: value } },
});
const metadata = (value: string | Uint8Array | boolean): Request => ({
  properties: { metadata: { filter_metadata: { "envoy.filters.http.jwt_authn": { payload: { sub: value } } } } },
});

/** Requests that share a bucket, requests that do not, and requests that the limit skips. */
interface KeyCase {
  readonly key: object;
  readonly same?: readonly (readonly [Request, Request])[];
  readonly different?: readonly (readonly [Request, Request])[];
  readonly absent?: readonly Request[];
}

const keyCases: Readonly<Record<string, KeyCase>> = {
  "a parameter of the query, by its first decoded value": {
    key: { query: "user" },
    same: [
      [{ path: "/?user=a%20b" }, { path: "/x?y=1&user=a+b" }],
      [{ path: "/?user=a&user=b" }, { path: "/?%75ser=a" }],
    ],
    different: [[{ path: "/?user=a" }, { path: "/?user=b" }]],
    absent: [{ path: "/?users=a" }, { path: "/" }],
  },
  "the first segments of the path": {
    key: { path: { segments: 2 } },
    same: [
      [{ path: "/a/b/c" }, { path: "/a//b/./d/e?f" }],
      [{ path: "/a/b" }, { path: "/a/b/" }],
      [{ path: "/a" }, { path: "/a?b" }],
    ],
    different: [
      [{ path: "/a/b" }, { path: "/a/c" }],
      [{ path: "/a" }, { path: "/a/b" }],
    ],
  },
  "the template that the path fits": {
    key: { path: { templates: ["/users/{id}", "/users/{id}/orders/{**}", "/static/{**}/icons/{*}"] } },
    same: [
      [{ path: "/users/1" }, { path: "/users/2?x" }],
      [{ path: "/users/1/orders/" }, { path: "/users/2/orders/3/4" }],
      [{ path: "/static/icons/a" }, { path: "/static/x/y/icons/b" }],
    ],
    different: [[{ path: "/users/1" }, { path: "/users/1/orders/" }]],
    absent: [
      { path: "/" },
      { path: "/users/" },
      { path: "/users" },
      { path: "/users/1/orders" },
      { path: "/users/1/x" },
      { path: "/static/icons/" },
      { path: "/static/x/icons/a/b" },
    ],
  },
  "a segment of the path": {
    key: { path: { template: "/users/{id}/{**}", segment: "id" } },
    same: [[{ path: "/users/7/a" }, { path: "/users/7/b/c" }]],
    different: [[{ path: "/users/7/a" }, { path: "/users/8/a" }]],
    absent: [{ path: "/users/7" }, { path: "/orders/7/a" }],
  },
  "the host in any spelling": {
    key: { host: {} },
    same: [
      [{ authority: "Shop.Example:8080" }, { authority: "shop.example." }],
      [{ authority: "[2001:DB8::1]:80" }, { authority: "[2001:db8::1]" }],
    ],
    different: [[{ authority: "a.example" }, { authority: "b.example" }]],
  },
  "the network of the client": {
    key: { clientAddress: { ipv4Prefix: 24, ipv6Prefix: 64, xForwardedForPosition: 1 } },
    same: [
      [{ from: "192.0.2.1:1" }, { from: "192.0.2.255:2" }],
      [{ from: "[2001:db8::1]:1" }, { from: "[2001:DB8:0:0:ffff::2]:1" }],
      [forwarded("203.0.113.9"), forwarded("6.6.6.6, 203.0.113.200:99")],
      [{ from: "192.0.2.1:1" }, { from: "[::ffff:192.0.2.9]:1" }],
    ],
    different: [
      [{ from: "192.0.2.1:1" }, { from: "192.0.3.1:1" }],
      [{ from: "[2001:db8::1]:1" }, { from: "[2001:db8:0:1::1]:1" }],
      [{ from: "/run/a" }, { from: "/run/b" }],
    ],
  },
  "a claim that jwt_authn left": {
    key: { metadata: ["envoy.filters.http.jwt_authn", "payload", "sub"] },
    same: [
      [metadata("ann"), metadata("ann")],
      [metadata(double(7)), metadata(double(7))],
      [metadata(true), metadata(true)],
    ],
    different: [
      [metadata("ann"), metadata("bob")],
      [metadata(double(7)), metadata(double(8))],
    ],
    absent: [{}],
  },
  "a claim that authz left": {
    key: { claim: "tenant" },
    same: [[claim("a"), { ...claim("a"), path: "/b" }]],
    different: [[claim("a"), claim("b")]],
    absent: [{}, claim("a", "other"), { headers: [["authz.claim.tenant", "a"]] }],
  },
  "the route's name": {
    key: { routeName: {} },
    same: [[{ properties: { "xds.route_name": "a" } }, { properties: { "xds.route_name": "a" }, path: "/b" }]],
    different: [[{ properties: { "xds.route_name": "a" } }, { properties: { "xds.route_name": "b" } }]],
    absent: [{}, { properties: { "xds.route_name": "" } }],
  },
  "the cluster's name": {
    key: { clusterName: {} },
    different: [[{ properties: { "xds.cluster_name": "a" } }, { properties: { "xds.cluster_name": "b" } }]],
    absent: [{}],
  },
  "metadata of the route": {
    key: { routeMetadata: ["ratelimit", "class"] },
    different: [
      [
        { properties: { "xds.route_metadata.filter_metadata": { ratelimit: { class: "a" } } } },
        { properties: { "xds.route_metadata.filter_metadata": { ratelimit: { class: "b" } } } },
      ],
    ],
    absent: [{}],
  },
  "an API key by its digest": {
    key: { apiKey: { header: "x-api-key" } },
    same: [[header("x-api-key", "secret"), header("x-api-key", "secret")]],
    different: [[header("x-api-key", "secret"), header("x-api-key", "secreu")]],
    absent: [{}],
  },
};

for (const [what, { key, same = [], different = [], absent = [] }] of Object.entries(keyCases)) {
  test(`a limit can be counted by ${what}`, async () => {
    const configuration = { limits: [{ name: "one", tokenBucket: perHour(1), key: [key], missingKey: "skip" }] };
    for (const [first, second] of same) {
      const { worker } = await start(configuration);
      const found = [...statuses(worker, 1, first), ...statuses(worker, 1, second)];
      assert.deepEqual(found, [200, 429], JSON.stringify([first, second]));
    }
    for (const [first, second] of different) {
      const { worker } = await start(configuration);
      const found = [...statuses(worker, 1, first), ...statuses(worker, 1, second)];
      assert.deepEqual(found, [200, 200], JSON.stringify([first, second]));
    }
    const { worker } = await start(configuration);
    for (const request of absent) {
      assert.deepEqual(statuses(worker, 2, request), [200, 200], JSON.stringify(request));
    }
  });
}

test("a default stands for a value that a request lacks, also where others skip the limit", async () => {
  const key = [{ header: "x-tenant", default: "none" }, { header: "x-user" }];
  const { worker } = await start({ limits: [{ name: "one", tokenBucket: perHour(1), key, missingKey: "skip" }] });
  assert.deepEqual(statuses(worker, 2, header("x-user", "a")), [200, 429]);
  const named: Request = {
    headers: [
      ["x-tenant", "none"],
      ["x-user", "a"],
    ],
  };
  assert.deepEqual(statuses(worker, 1, named), [429]);
  assert.deepEqual(statuses(worker, 2, header("x-tenant", "none")), [200, 200]);
});

test("nothing of a key is in the shared data as text", async () => {
  const secret = "sk-0123456789abcdef";
  const key = [{ header: "x-api-key" }, { apiKey: { header: "x-api-key" } }];
  const { envoy, worker } = await start({ limits: [{ name: "one", tokenBucket: perHour(5), key }] });
  statuses(worker, 2, header("x-api-key", secret));
  const digest = createHash("sha256").update(secret).digest("hex");
  const names = envoy.sharedData.keys("");
  assert.ok(names.length >= 2);
  for (const name of names) {
    const text = `${name} ${envoy.sharedData.getText("", name) ?? ""}`;
    assert.ok(!text.includes(secret) && !text.includes(digest));
  }
});

test("the first override that matches is the rate, with buckets of its own", async () => {
  const plan = (name: string): object => ({ headers: [{ name: "x-plan", exact: name }] });
  const { envoy, worker } = await start({
    limits: [
      {
        name: "api",
        tokenBucket: perHour(1),
        key: [{ header: "x-user", default: "anonymous" }],
        overrides: [
          { name: "gold", match: plan("gold"), slidingWindow: { requests: 3, window: "hour" } },
          { name: "staff", match: plan("staff"), unlimited: {} },
          { name: "again", match: plan("gold"), tokenBucket: perHour(100) },
        ],
      },
    ],
  });
  assert.deepEqual(statuses(worker, 2), [200, 429]);
  assert.deepEqual(statuses(worker, 4, header("x-plan", "gold")), [200, 200, 200, 429]);
  assert.deepEqual(statuses(worker, 5, header("x-plan", "staff")), [200, 200, 200, 200, 200]);
  assert.deepEqual(statuses(worker, 1), [429]);
  const refused = worker.send(header("x-plan", "gold"));
  assert.equal(refused.response.headers?.get("x-ratelimit-limit"), "3");
  assert.equal(envoy.metric("ratelimit.api.unlimited"), 5);
  assert.equal(envoy.metric("ratelimit.api.allowed"), 4);
});

test("a route has its own rate by its name or by its metadata", async () => {
  const { worker } = await start({
    limits: [
      {
        name: "api",
        tokenBucket: perHour(1),
        overrides: [
          { name: "login", match: { values: [{ value: { routeName: {} }, exact: "login" }] }, tokenBucket: perHour(2) },
          {
            name: "free",
            match: { values: [{ value: { routeMetadata: ["ratelimit", "class"] }, exact: "free" }] },
            unlimited: {},
          },
        ],
      },
    ],
  });
  assert.deepEqual(statuses(worker, 3, { properties: { "xds.route_name": "login" } }), [200, 200, 429]);
  const free = { properties: { "xds.route_metadata.filter_metadata": { ratelimit: { class: "free" } } } };
  assert.deepEqual(statuses(worker, 3, free), [200, 200, 200]);
  assert.deepEqual(statuses(worker, 2, { properties: { "xds.route_name": "other" } }), [200, 429]);
});

test("a limit may be for overrides only", async () => {
  const { worker } = await start({
    limits: [
      {
        name: "bots",
        unlimited: {},
        overrides: [
          { name: "bot", match: { headers: [{ name: "user-agent", contains: "bot" }] }, tokenBucket: perHour(1) },
        ],
      },
    ],
  });
  assert.deepEqual(statuses(worker, 3), [200, 200, 200]);
  assert.deepEqual(statuses(worker, 2, header("user-agent", "a bot")), [200, 429]);
});

test("who is on the allow list is not limited and not charged", async () => {
  const allow = [
    { clientAddress: { ranges: ["10.0.0.0/8", "2001:db8::/32"], xForwardedForPosition: 1 } },
    { values: [{ value: { apiKey: { header: "x-key" } }, exact: createHash("sha256").update("k").digest("hex") }] },
  ];
  const { envoy, worker } = await start({ limits: [{ name: "all", tokenBucket: perHour(2) }], allow });
  assert.deepEqual(statuses(worker, 3, forwarded("6.6.6.6, 10.1.2.3")), [200, 200, 200]);
  assert.deepEqual(statuses(worker, 3, { from: "[2001:db8::7]:1" }), [200, 200, 200]);
  assert.deepEqual(statuses(worker, 3, header("x-key", "k")), [200, 200, 200]);
  assert.equal(envoy.metric("ratelimit.exempt"), 9);
  const exempt = worker.send({ from: "10.0.0.1:1" });
  assert.equal(exempt.response.headers?.get("x-ratelimit-limit"), undefined);
  // What a client wrote to the left of the trusted entry makes nobody exempt, nor does what is no address.
  for (const list of ["10.1.2.3, 6.6.6.6", "10.1.2.3 6.6.6.6", "10.1.2.3/8", "010.1.2.3"]) {
    worker.send(forwarded(list));
  }
  assert.equal(envoy.metric("ratelimit.all.allowed"), 2);
  assert.equal(envoy.metric("ratelimit.all.limited"), 2);
});

test("a limit's exceptions pass it and are charged to other limits", async () => {
  const { envoy, worker } = await start({
    limits: [
      {
        name: "api",
        tokenBucket: perHour(1),
        match: { path: { prefix: "/api" } },
        except: [{ path: { exact: "/api/health" } }, { methods: ["OPTIONS"] }],
      },
      { name: "all", tokenBucket: perHour(100) },
    ],
  });
  assert.deepEqual(statuses(worker, 3, { path: "/api/health" }), [200, 200, 200]);
  assert.deepEqual(statuses(worker, 2, { path: "/api", method: "OPTIONS" }), [200, 200]);
  assert.deepEqual(statuses(worker, 2, { path: "/api" }), [200, 429]);
  assert.equal(envoy.metric("ratelimit.api.unlimited"), 5);
  assert.equal(envoy.metric("ratelimit.all.allowed"), 6);
});

test("a unit is a window: a month is 30 days since 1970", async () => {
  const day = 86_400_000;
  for (const [unit, days] of [
    ["day", 1],
    ["week", 7],
    ["month", 30],
  ] as const) {
    const { envoy, worker } = await start({ limits: [{ name: "one", fixedWindow: { requests: 1, window: unit } }] });
    const length = days * day;
    const now = Number(envoy.clock.realtime / 1_000_000n);
    const refused = [worker.send(), worker.send()][1];
    const left = Math.ceil((length - (now % length)) / 1000);
    assert.equal(refused?.response.headers?.get("retry-after"), String(left), unit);
    envoy.clock.advance(left * 1000);
    assert.deepEqual(statuses(worker, 2), [200, 429], unit);
  }
});
