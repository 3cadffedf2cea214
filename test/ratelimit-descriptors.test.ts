// What a real Envoy tells the filter ratelimit of a request and of its end: the values of keys, routes, answers, requests in flight.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, request, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ISSUER, everybody, provider } from "../filters/testing/authz.ts";
import { sign } from "../filters/testing/keys.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, typed, wasmFilter } from "./support/filter-chains.ts";
import { get } from "./support/http.ts";
import { listen } from "./support/ports.ts";

type Headers = Readonly<Record<string, string>>;

const bucket = (maxTokens: number): object => ({ tokenBucket: { maxTokens, fillInterval: "1h" } });
const once = bucket(1);
const address = { clientAddress: { xForwardedForPosition: 1, ipv4Prefix: 24, ipv6Prefix: 64 } };

/** Configurations by the name of their listener. */
const CONFIGURATIONS: Readonly<Record<string, object>> = {
  query: { limits: [{ name: "query", ...once, key: [{ query: "user" }] }] },
  template: {
    limits: [
      { name: "tenant", ...once, key: [{ path: { template: "/t/{id}/{**}", segment: "id" } }], missingKey: "skip" },
    ],
  },
  address: { limits: [{ name: "network", ...once, key: [address] }] },
  principal: { limits: [{ name: "caller", ...once, key: [{ principal: {} }] }] },
  claim: {
    limits: [
      { name: "tenant", ...bucket(3), key: [{ claim: "tenant" }], missingKey: "skip" },
      { name: "guests", ...once, match: { values: [{ value: { claim: "tenant" }, exact: "guests" }] } },
    ],
  },
  route: {
    limits: [
      {
        name: "route",
        ...bucket(3),
        overrides: [
          { name: "login", match: { values: [{ value: { routeName: {} }, exact: "login" }] }, ...once },
          {
            name: "costly",
            match: { values: [{ value: { routeMetadata: ["app.limits", "class"] }, exact: "costly" }] },
            ...bucket(2),
          },
        ],
      },
    ],
  },
  allow: { limits: [{ name: "all", ...once }], allow: [{ headers: [{ name: "x-probe", exact: "secret" }] }] },
  several: {
    limits: [
      { name: "wide", ...bucket(5) },
      { name: "narrow", ...once, key: [{ header: "x-key" }] },
    ],
  },
  shadow: { limits: [{ name: "planned", ...once, mode: "shadow" }], shadowHeader: "x-would-refuse" },
  status: {
    limits: [{ name: "failures", ...bucket(5), cost: { hits: 0 }, responseCost: { hits: 2, statuses: ["404"] } }],
  },
  size: {
    limits: [
      { name: "bytes", ...bucket(9), cost: { hits: 0 }, responseCost: { bytesPerHit: 1000, statuses: ["200"] } },
    ],
  },
  cost: { limits: [{ name: "cost", ...bucket(9), cost: { header: "x-ratelimit-cost", hits: 2, max: 5 } }] },
  told: {
    limits: [{ name: "told", ...bucket(9), cost: { hits: 0 }, responseCost: { header: "x-ratelimit-cost", max: 4 } }],
  },
  cluster: { limits: [{ name: "cluster", ...once, key: [{ clusterName: {} }] }] },
  clusterMetadata: {
    limits: [{ name: "class", ...once, key: [{ clusterMetadata: ["app.limits", "class"] }], missingKey: "skip" }],
  },
  metadata: {
    limits: [{ name: "tier", ...once, key: [{ metadata: ["app.caller", "tier"] }], missingKey: "skip" }],
  },
  host: { limits: [{ name: "host", ...once, key: [{ host: {} }] }] },
  apiKey: {
    limits: ["header", "query", "cookie"].map((place) => ({
      name: place,
      ...once,
      key: [{ apiKey: { [place]: "x-api-key" } }],
      missingKey: "skip",
    })),
  },
  except: { limits: [{ name: "pages", ...once, except: [{ path: { prefix: "/static/" } }, { methods: ["HEAD"] }] }] },
  busy: { limits: [{ name: "busy", concurrency: { requests: 1 } }] },
  worker: { limits: [{ name: "each", ...once, scope: "worker" }] },
  workers: { limits: [{ name: "together", ...once }] },
};

/** Puts a header of the request into dynamic metadata. */
const HEADER_TO_METADATA = {
  name: "tier",
  typed_config: typed("http.header_to_metadata.v3.Config", {
    request_rules: [
      { header: "x-tier", on_header_present: { metadata_namespace: "app.caller", key: "tier", type: "STRING" } },
    ],
  }),
};

const apiKeys = ["alice", "bob"].map((name) => ({
  name,
  sha256: createHash("sha256").update(`key of ${name}`).digest("hex"),
}));
const AUTHZ = {
  apiKeys: { header: "x-api-key", keys: apiKeys },
  rules: [{ name: "known", action: "allow", principals: apiKeys.map(({ name }) => ({ apiKey: name })) }],
};

const TENANTS = {
  jwtProviders: [{ ...provider, claimToState: [{ claim: ["org", "id"], state: "tenant" }] }],
  rules: [{ name: "everybody", action: "allow", ...everybody }],
};
/** Experiments count by the same values. */
const BY_TENANT = {
  experiments: [
    {
      name: "tenants",
      header: "x-tenants",
      default: "old",
      rules: [{ variant: "new", match: { values: [{ value: { claim: "tenant" }, exact: "acme" }] } }],
    },
  ],
};

let server: Server;
let envoy: FilterEnvoy;
/** Answers that the app keeps back. */
const waiting: ServerResponse[] = [];

before(async () => {
  await buildFilters(["ratelimit", "authz", "ab-routing"]);
  server = createServer((incoming, response) => {
    const path = incoming.url ?? "";
    if (path === "/app/slow") waiting.push(response);
    else if (path === "/app/reset") incoming.socket.destroy();
    else if (path === "/app/404") response.writeHead(404).end();
    else if (path.startsWith("/app/cost/")) response.writeHead(200, { "x-ratelimit-cost": path.slice(10) }).end();
    else if (path.endsWith("/none")) response.writeHead(204).end();
    else response.writeHead(200).end("x".repeat(2500));
  });
  const app = await listen(server);
  const build = (name: string): string => join(root, "build", `${name}.wasm`);
  const chains = Object.fromEntries(
    Object.entries(CONFIGURATIONS).map(([name, configuration]) => {
      const filter = wasmFilter("ratelimit", build("ratelimit"), configuration);
      if (name === "metadata") return [name, [HEADER_TO_METADATA, filter]];
      if (name === "principal") return [name, [wasmFilter("authz", build("authz"), AUTHZ), filter]];
      if (name !== "claim") return [name, [filter]];
      const routing = wasmFilter("ab-routing", build("ab-routing"), BY_TENANT);
      return [name, [wasmFilter("authz", build("authz"), TENANTS), filter, routing]];
    }),
  );
  envoy = await FilterEnvoy.start(chains, ["x-would-refuse", "x-tenants"], {
    concurrency: 2,
    clusters: { app, other: app },
    clusterMetadata: { other: { filter_metadata: { "app.limits": { class: "slow" } } } },
    routes: [
      { name: "login", match: { path: "/login" }, direct_response: { status: 200 } },
      {
        match: { path: "/report" },
        direct_response: { status: 200 },
        metadata: { filter_metadata: { "app.limits": { class: "costly" } } },
      },
      { match: { prefix: "/app/" }, route: { cluster: "app" } },
      { match: { prefix: "/other/" }, route: { cluster: "other" } },
    ],
  });
});

after(async () => {
  await envoy.stop();
  server.closeAllConnections();
  server.close();
});

const status = async (chain: string, path = "/", headers: Headers = {}): Promise<number> =>
  (await get(envoy.port(chain), path, { headers })).status;

/** The statuses of requests that come one after the other. */
async function statuses(chain: string, requests: readonly (readonly [path: string, headers?: Headers])[]) {
  const all: number[] = [];
  for (const [path, headers] of requests) all.push(await status(chain, path, headers));
  return all;
}

/** What remains, as an answer that costs nothing tells. */
async function remaining(chain: string): Promise<number> {
  const { headers } = await get(envoy.port(chain), "/app/none");
  return Number(headers["x-ratelimit-remaining"]);
}

test("a parameter of the query", async () => {
  const asked = [["/?user=a"], ["/x?y=1&user=a"], ["/?user=b"], ["/?user=%61"]] as const;
  assert.deepEqual(await statuses("query", asked), [200, 429, 200, 429]);
});

test("a segment of the path, and no limit for a path without it", async () => {
  const asked = [["/t/a/x"], ["/t/a/y"], ["/t/b/../a/z"], ["/t/b/x"], ["/other"], ["/other"]] as const;
  assert.deepEqual(await statuses("template", asked), [200, 429, 429, 200, 200, 200]);
});

test("the network of the client that the trusted proxy saw", async () => {
  const from = (list: string) => ["/", { "x-forwarded-for": list }] as const;
  const asked = [
    from("192.0.2.1"),
    from("192.0.2.77"),
    // What a client wrote itself is on the left.
    from("198.51.100.1, 192.0.2.1"),
    from("198.51.100.1"),
    from("2001:db8::1"),
    from("2001:db8::ffff:1"),
    from("2001:db8:0:1::1"),
  ];
  assert.deepEqual(await statuses("address", asked), [200, 429, 429, 200, 200, 429, 200]);
});

test("the principal that authz in front found", async () => {
  const as = (name: string) => ["/", { "x-api-key": `key of ${name}` }] as const;
  const asked = [as("alice"), as("alice"), as("bob"), as("eve"), as("bob")];
  assert.deepEqual(await statuses("principal", asked), [200, 429, 200, 401, 429]);
});

test("a claim that authz in front left, for limits and for experiments", async () => {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const token = async (claims: object): Promise<Headers> => {
    return { authorization: `Bearer ${await sign("RS256", { iss: ISSUER, sub: "alice", exp, ...claims })}` };
  };
  const [acme, ann, other, guests, none] = await Promise.all([
    token({ org: { id: "acme" } }),
    token({ org: { id: "acme" }, sub: "ann" }),
    token({ org: { id: "other" } }),
    token({ org: { id: "guests" } }),
    token({ tenant: "acme" }),
  ]);
  const variant = async (headers: Headers): Promise<string | undefined> => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return (await envoy.get("claim", "/", lines)).seen.get("x-tenants");
  };
  assert.equal(await variant(acme), "new");
  const asked = [acme, ann, acme, other, guests, guests, none, none, none].map((headers) => ["/", headers] as const);
  assert.deepEqual(await statuses("claim", asked), [200, 200, 429, 200, 200, 429, 200, 200, 200]);
  // What a client says itself is no claim, and a token that is not good is refused.
  const forged = { "authz.claim.tenant": "guests", "wasm.authz.claim.tenant": "guests" };
  assert.deepEqual(
    await statuses("claim", [
      ["/", forged],
      ["/", { authorization: "Bearer a.b.c" }],
    ]),
    [200, 401],
  );
  assert.equal(await variant(other), "old");
  assert.equal(await variant(none), "old");
});

test("a route has a rate of its own, by its name or by its metadata", async () => {
  const asked = [["/login"], ["/login"], ["/report"], ["/report"], ["/report"], ["/"], ["/"], ["/"], ["/"]] as const;
  assert.deepEqual(await statuses("route", asked), [200, 429, 200, 200, 429, 200, 200, 200, 429]);
});

test("the cluster that the route chose, and its metadata", async () => {
  const asked = [["/app/none"], ["/other/none"], ["/app/none"], ["/other/none"]] as const;
  assert.deepEqual(await statuses("cluster", asked), [204, 204, 429, 429]);
  assert.deepEqual(await statuses("clusterMetadata", asked), [204, 204, 204, 429]);
});

test("dynamic metadata that a filter in front left", async () => {
  const tier = (value: string) => ["/", { "x-tier": value }] as const;
  const asked = [tier("gold"), tier("gold"), tier("tin"), ["/"], ["/"], tier("tin")] as const;
  assert.deepEqual(await statuses("metadata", asked), [200, 429, 200, 200, 200, 429]);
});

test("the host, however it is written", async () => {
  const hosts = ["a.example", "A.Example", "a.example:8080", "a.example.", "b.example"];
  const all: number[] = [];
  for (const host of hosts) all.push((await envoy.get("host", "/", [], host)).status);
  assert.deepEqual(all, [200, 429, 429, 429, 200]);
});

test("an API key in a header, in the query or in a cookie", async () => {
  const header = (key: string) => ["/", { "x-api-key": key }] as const;
  const query = (key: string) => [`/?x-api-key=${key}`] as const;
  const cookie = (key: string) => ["/", { cookie: `a=b; x-api-key=${key}` }] as const;
  for (const place of [header, query, cookie]) {
    assert.deepEqual(await statuses("apiKey", [place("a"), place("b"), place("a"), place("b")]), [200, 200, 429, 429]);
  }
  assert.deepEqual(await statuses("apiKey", [["/"], ["/"]]), [200, 200]);
});

test("what is excepted is not limited and not charged", async () => {
  const asked = [["/static/a"], ["/static/../page"], ["/static/a"], ["/page"], ["/x/../static/b"]] as const;
  assert.deepEqual(await statuses("except", asked), [200, 200, 200, 429, 200]);
  const stats = await envoy.envoy.admin("/stats?filter=ratelimit.pages");
  assert.match(stats, /ratelimit\.pages\.allowed: 1\n/);
  assert.match(stats, /ratelimit\.pages\.unlimited: 3\n/);
});

test("a request costs what its header says, within bounds", async () => {
  const left = async (cost?: string): Promise<[number, number]> => {
    const headers: Headers = cost === undefined ? {} : { "x-ratelimit-cost": cost };
    const { status, headers: answered } = await get(envoy.port("cost"), "/", { headers });
    return [status, Number(answered["x-ratelimit-remaining"])];
  };
  assert.deepEqual(await left(), [200, 7]);
  assert.deepEqual(await left("0"), [200, 7]);
  assert.deepEqual(await left("1"), [200, 6]);
  // What is no number costs as much as may be, and so does what is more than that.
  assert.deepEqual(await left("-1"), [200, 1]);
  assert.deepEqual((await left("100"))[0], 429);
  assert.deepEqual(await left("1"), [200, 0]);
  assert.deepEqual((await left("0"))[0], 429);
});

test("an answer costs what its header says, within bounds", async () => {
  const asked = ["/app/cost/0", "/app/cost/2", "/app/none", "/app/cost/many"];
  const left: number[] = [];
  for (const path of asked) {
    assert.ok((await status("told", path)) < 300);
    left.push(await remaining("told"));
  }
  assert.deepEqual(left, [9, 7, 7, 3]);
  assert.equal(await status("told", "/app/cost/99"), 200);
  assert.equal(await status("told", "/app/cost/0"), 429);
});

test("what is allowed is not charged", async () => {
  const probe = ["/", { "x-probe": "secret" }] as const;
  const asked = [probe, probe, ["/"], probe, ["/"]] as const;
  assert.deepEqual(await statuses("allow", asked), [200, 200, 200, 200, 429]);
  const stats = await envoy.envoy.admin("/stats?filter=ratelimit.exempt");
  assert.match(stats, /ratelimit\.exempt: 3/);
});

test("when one limit refuses, the others are not charged", async () => {
  const key = (value: string) => ["/", { "x-key": value }] as const;
  const asked = [key("a"), key("a"), key("a"), key("a"), key("b"), key("c"), key("d"), key("e"), key("f")];
  assert.deepEqual(await statuses("several", asked), [200, 429, 429, 429, 200, 200, 200, 200, 429]);
});

test("the upstream learns what a shadow limit would have refused, and only from the filter", async () => {
  const forged = ["x-would-refuse: forged"];
  const first = await envoy.get("shadow", "/", forged);
  const second = await envoy.get("shadow", "/", forged);
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.notEqual(first.seen.get("x-would-refuse"), "forged");
  assert.equal(second.seen.get("x-would-refuse"), "planned");
});

test("an answer is charged by its status", async () => {
  assert.equal(await status("status", "/app/"), 200);
  assert.equal(await remaining("status"), 5);
  assert.equal(await status("status", "/app/404"), 404);
  assert.equal(await remaining("status"), 3);
  // Costs more than is left: what is left is charged, and nothing passes.
  assert.deepEqual(await statuses("status", [["/app/404"], ["/app/404"], ["/app/404"]]), [404, 404, 429]);
});

test("an answer is charged by the size of its body, once it is over", async () => {
  assert.equal(await status("size", "/app/"), 200);
  await envoy.envoy.until(async () => (await remaining("size")) === 6);
  assert.equal(await status("size", "/app/"), 200);
  await envoy.envoy.until(async () => (await remaining("size")) === 3);
});

interface Held {
  readonly response: ServerResponse;
  readonly leave: () => void;
  readonly answer: Promise<number>;
}

/** Sends a request that the app keeps back, and waits until the app has it: the request before may just be ending. */
async function hold(): Promise<Held> {
  for (;;) {
    const outgoing = request({ host: "127.0.0.1", port: envoy.port("busy"), path: "/app/slow", agent: false });
    let status = -1;
    const answer = new Promise<number>((resolve) => {
      outgoing.on("error", () => resolve(0));
      outgoing.on("response", (incoming) => {
        status = incoming.statusCode ?? 0;
        incoming.resume().on("end", () => resolve(status));
      });
    });
    outgoing.end();
    await envoy.envoy.until(() => Promise.resolve(waiting.length > 0 || status !== -1));
    const response = waiting.pop();
    if (response !== undefined) return { response, leave: () => outgoing.destroy(), answer };
    assert.equal(status, 429);
  }
}

const isFree = async (): Promise<boolean> => (await status("busy", "/app/none")) === 204;

test("a request in flight holds its place until the answer, or until its client goes away", async () => {
  const first = await hold();
  assert.equal(await status("busy", "/app/none"), 429);
  first.response.end("done");
  assert.equal(await first.answer, 200);
  await envoy.envoy.until(isFree);

  const second = await hold();
  assert.equal(await status("busy", "/app/none"), 429);
  second.leave();
  await envoy.envoy.until(isFree);
});

test("an upstream that resets the stream frees the place", async () => {
  await envoy.envoy.until(isFree);
  for (let i = 0; i < 5; i++) {
    await envoy.envoy.until(async () => (await status("busy", "/app/reset")) === 503);
  }
  await envoy.envoy.until(isFree);
});

test("the scope worker counts in each worker, the scope envoy in all of them together", async () => {
  const passed = async (chain: string): Promise<number> =>
    (await statuses(chain, Array<readonly [string]>(40).fill(["/"]))).filter((one) => one === 200).length;
  assert.equal(await passed("worker"), 2);
  assert.equal(await passed("workers"), 1);
});
