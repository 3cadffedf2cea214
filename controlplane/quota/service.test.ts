import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fromJson, fromBinary, toBinary, toJson, type JsonValue } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, Server, ServerCredentials, type ClientDuplexStream } from "@grpc/grpc-js";
import {
  RateLimitQuotaResponseSchema,
  RateLimitQuotaUsageReportsSchema,
} from "#gen/envoy/service/rate_limit_quota/v3/rlqs_pb.js";
import { loadModel } from "../model/index.ts";
import { Consumptions } from "./consumption.ts";
import { SIDECAR_METADATA } from "./grpc.ts";
import { addQuotaService, LeaseService, LedgerError, MemoryLedger, Quotas, type Ledger } from "./index.ts";

const quota = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: "meshwright.dev/v1alpha1", kind: "Quota", metadata: { name }, spec });

function quotasOf(...texts: string[]): Quotas {
  const result = loadModel([{ path: "q.yaml", text: texts.join("\n---\n") }]);
  assert.ok(result.ok, JSON.stringify(!result.ok && result.problems));
  return new Quotas(result.model.quotas.values());
}

const onLoss = { policy: "Allow" };
const perClient = quota("per-client", { domain: "shop", bucket: { limit: "c", client: "*" }, requests: 10, onLoss });

describe("the quota of a bucket", () => {
  const quotas = quotasOf(
    perClient,
    quota("gold", { domain: "shop", bucket: { limit: "c", client: "gold" }, requests: 99 }),
    quota("all", { domain: "shop", bucket: { limit: "*", client: "*" }, requests: 1 }),
  );
  const cases: [domain: string, bucket: Record<string, string>, name: string | undefined][] = [
    ["shop", { limit: "c", client: "x" }, "per-client"],
    ["shop", { client: "x", limit: "c" }, "per-client"],
    ["shop", { limit: "c", client: "gold" }, "gold"],
    ["shop", { limit: "d", client: "gold" }, "all"],
    ["shop", { limit: "c" }, undefined],
    ["shop", { limit: "c", client: "x", more: "y" }, undefined],
    ["other", { limit: "c", client: "x" }, undefined],
    ["shop", {}, undefined],
  ];
  for (const [domain, bucket, name] of cases) {
    test(`${domain} ${JSON.stringify(bucket)}: ${String(name)}`, () => {
      assert.equal(quotas.find(domain, bucket)?.name, name);
    });
  }
});

describe("faults of a Quota", () => {
  const cases: [spec: object, problem: RegExp][] = [
    [{ domain: "d", bucket: {}, requests: 1 }, /spec\.bucket: /],
    [{ domain: "d", bucket: { a: "b" }, requests: 0 }, /spec\.requests: /],
    [{ domain: "d", bucket: { a: "b" }, requests: 1, period: "10ms" }, /spec\.period: expected 1s to 744h, found 10ms/],
    [{ domain: "d", bucket: { a: "b" }, requests: 1, lease: "2h" }, /spec\.lease: expected 1s to 1h, found 2h/],
    [{ domain: "d", bucket: { a: "b" }, requests: 999_999_937, period: "744h" }, /spec\.requests: cannot be counted/],
    [{ domain: "d", bucket: { a: "b" }, requests: 1, onLoss: { policy: "Retry" } }, /spec\.onLoss\.policy: /],
    [{ domain: "d", bucket: { a: "b" }, requests: 1, onLoss: { fraction: 0 } }, /spec\.onLoss\.fraction: /],
  ];
  for (const [spec, problem] of cases) {
    test(JSON.stringify(spec), () => {
      const result = loadModel([{ path: "q.yaml", text: quota("q", spec) }]);
      assert.ok(!result.ok);
      assert.match(result.problems.map(({ path, message }) => `${path}: ${message}`).join("\n"), problem);
    });
  }

  test("two for the same buckets", () => {
    const result = loadModel([
      { path: "q.yaml", text: `${perClient}\n---\n${perClient.replace("per-client", "second")}` },
    ]);
    assert.ok(!result.ok);
    assert.match(
      result.problems[0]?.message ?? "",
      /Quota per-client is for these buckets of shop already \(q\.yaml:1\)/,
    );
  });
});

describe("the memory ledger", () => {
  test("has room for new buckets as old ones are spent, and refuses more than it may keep", async () => {
    let now = 0;
    const ledger = new MemoryLedger({ maxBuckets: 10, now: () => now });
    const terms = quotasOf(perClient).find("shop", { limit: "c", client: "x" })?.terms;
    assert.ok(terms);
    for (let i = 0; i < 10; ++i) await ledger.update(String(i), terms, (account) => (account.parts -= 5000));
    await assert.rejects(
      ledger.update("more", terms, () => 0),
      LedgerError,
    );
    now += 60_000;
    for (let i = 0; i < 1000; ++i) await ledger.update(`later-${String(i)}`, terms, () => 0);
    assert.ok(ledger.size <= 10);
  });
});

test("consumption: the greatest first, recent before old, and no more than may be kept", () => {
  const consumptions = new Consumptions(100);
  const add = (client: string, allowed: number, now: number): void => {
    const none = { remaining: 1, sidecars: 1, denied: 0 };
    consumptions.add(client, { domain: "d", bucket: { client }, quota: "q", allowed, ...none }, now);
  };
  for (let i = 0; i < 500; ++i) add(`c${String(i)}`, 1, 0);
  add("old", 1000, 0);
  add("new", 900, 60_000);
  const top = consumptions.top(1000, 60_000);
  assert.ok(top.length <= 100, String(top.length));
  assert.deepEqual(
    top.slice(0, 2).map(({ bucket, allowed }) => [bucket, allowed]),
    [
      [{ client: "new" }, 900],
      [{ client: "old" }, 1000],
    ],
  );
  assert.equal(top[0]?.allowedPerSecond, 15);
});

describe("the service over gRPC", () => {
  const servers: Server[] = [];
  const clients: Client[] = [];
  after(() => {
    for (const client of clients) client.close();
    for (const server of servers) server.forceShutdown();
  });

  async function serve(ledger: Ledger, ...quotas: string[]): Promise<{ client: Client; leases: LeaseService }> {
    const found = quotasOf(...quotas);
    const leases = new LeaseService({ ledger, quotas: () => found });
    const server = new Server();
    servers.push(server);
    addQuotaService(server, leases);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    clients.push(client);
    return { client, leases };
  }

  type Stream = ClientDuplexStream<JsonValue, JsonValue>;
  const open = (client: Client, id?: string, metadata = new Metadata()): Stream => {
    if (id !== undefined) metadata.set(SIDECAR_METADATA, id);
    return client.makeBidiStreamRequest<JsonValue, JsonValue>(
      "/envoy.service.rate_limit_quota.v3.RateLimitQuotaService/StreamRateLimitQuotas",
      (value) =>
        Buffer.from(toBinary(RateLimitQuotaUsageReportsSchema, fromJson(RateLimitQuotaUsageReportsSchema, value))),
      (bytes) => toJson(RateLimitQuotaResponseSchema, fromBinary(RateLimitQuotaResponseSchema, bytes)),
      metadata,
    );
  };
  const ask = (stream: Stream, value: JsonValue): Promise<JsonValue> =>
    new Promise((resolve, reject) => {
      stream.once("data", resolve);
      stream.once("error", reject);
      stream.write(value);
    });
  const usage = (client: string, allowed: number, denied = 0): JsonValue => ({
    domain: "shop",
    bucketQuotaUsages: [
      { bucketId: { bucket: { limit: "c", client } }, numRequestsAllowed: allowed, numRequestsDenied: denied },
    ],
  });

  test("the buckets with the most refused requests, of those that were refused any lately", () => {
    const consumptions = new Consumptions();
    const add = (client: string, allowed: number, denied: number): void => {
      const bucket = { client };
      consumptions.add(client, { domain: "d", bucket, quota: "q", allowed, denied, remaining: 0, sidecars: 1 }, 0);
    };
    add("busy", 1_000, 1);
    add("greedy", 10, 50);
    add("quiet", 500, 0);
    const clients = (by: "requests" | "denied", now = 0): unknown[] =>
      consumptions.top(10, now, by).map(({ bucket }) => bucket["client"]);
    assert.deepEqual(clients("requests"), ["busy", "quiet", "greedy"]);
    assert.deepEqual(clients("denied"), ["greedy", "busy"]);
    assert.deepEqual(clients("denied", 120_000), ["greedy"]);
    assert.deepEqual(clients("denied", 3_600_000), []);
  });

  test("leases, a refusal, and a bucket without a quota", async () => {
    const { client, leases } = await serve(new MemoryLedger(), perClient);
    const stream = open(client, "one");
    const bucketId = { bucket: { limit: "c", client: "x" } };
    const lease = (nanos: string, maxTokens: number): JsonValue => ({
      bucketAction: [
        {
          bucketId,
          quotaAssignmentAction: {
            assignmentTimeToLive: "1s",
            rateLimitStrategy: { tokenBucket: { maxTokens, tokensPerFill: 1, fillInterval: `31536000.${nanos}s` } },
          },
        },
      ],
    });
    assert.deepEqual(await ask(stream, usage("x", 0, 1)), lease("000000001", 2));
    assert.deepEqual(await ask(stream, usage("x", 15)), {
      bucketAction: [
        {
          bucketId,
          quotaAssignmentAction: {
            assignmentTimeToLive: "1s",
            rateLimitStrategy: { blanketRule: "DENY_ALL" },
          },
        },
      ],
    });
    const other = { bucket: { who: "knows" } };
    assert.deepEqual(await ask(stream, { bucketQuotaUsages: [{ bucketId: other, numRequestsAllowed: 1 }] }), {
      bucketAction: [{ bucketId: other, abandonAction: {} }],
    });
    assert.deepEqual(
      leases.top(5).map(({ quota, bucket, allowed, denied, sidecars }) => [quota, bucket, allowed, denied, sidecars]),
      [["per-client", { limit: "c", client: "x" }, 15, 1, 1]],
    );
    stream.end();
  });

  test("an id counts within what the certificate names, so nobody reports for another", async () => {
    const found = quotasOf(perClient);
    const leases = new LeaseService({ ledger: new MemoryLedger(), quotas: () => found });
    const server = new Server();
    servers.push(server);
    // In the place of certificates.
    addQuotaService(server, leases, ({ metadata }) => metadata.get("who")[0]?.toString());
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    clients.push(client);
    const as = (who: string | undefined, id: string): Stream => {
      const more = new Metadata();
      if (who !== undefined) more.set("who", who);
      return open(client, id, more);
    };
    const streams = [as("web-1", "same"), as("web-1", "same"), as("web-2", "same")];
    for (const stream of streams) await ask(stream, usage("x", 0, 1));
    assert.equal(leases.top(1)[0]?.sidecars, 2);
    await assert.rejects(ask(as(undefined, "same"), usage("x", 1)), /quotas are for sidecars/);
    for (const stream of streams) stream.end();
  });

  const policies: [onLoss: object, strategy: JsonValue][] = [
    [{ policy: "Allow" }, {}],
    [{ policy: "Deny" }, { blanketRule: "DENY_ALL" }],
    [{ policy: "LocalShare", fraction: 0.5 }, { tokenBucket: { maxTokens: 5, tokensPerFill: 5, fillInterval: "1s" } }],
    [
      { policy: "LocalShare", fraction: 0.01 },
      { tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: "10s" } },
    ],
  ];
  for (const [loss, strategy] of policies) {
    test(`without its counts, by ${JSON.stringify(loss)}`, async () => {
      const broken: Ledger = {
        update: () => Promise.reject(new LedgerError("gone")),
        close: () => Promise.resolve(),
      };
      const { client } = await serve(
        broken,
        quota("q", { domain: "shop", bucket: { limit: "c", client: "*" }, requests: 10, onLoss: loss }),
      );
      const stream = open(client);
      const answer = (await ask(stream, usage("x", 1))) as { bucketAction: { quotaAssignmentAction: object }[] };
      const expected = { assignmentTimeToLive: "1s", rateLimitStrategy: strategy };
      const found = answer.bucketAction[0]?.quotaAssignmentAction as { rateLimitStrategy: Record<string, unknown> };
      // ALLOW_ALL is the first of its enumeration, which JSON may leave out.
      if (found.rateLimitStrategy["blanketRule"] === "ALLOW_ALL") found.rateLimitStrategy = {};
      assert.deepEqual(found, expected);
      stream.end();
    });
  }

  test("what was told while the counts were not reached is counted later", async () => {
    const memory = new MemoryLedger();
    let isBroken = true;
    const ledger: Ledger = {
      update: (key, terms, change) =>
        isBroken ? Promise.reject(new LedgerError("gone")) : memory.update(key, terms, change),
      close: () => Promise.resolve(),
    };
    const { client, leases } = await serve(ledger, perClient);
    const stream = open(client, "s");
    await ask(stream, usage("x", 9));
    isBroken = false;
    await ask(stream, usage("x", 0, 1));
    const [told] = leases.top(1);
    assert.ok(told !== undefined && told.remaining <= 1, JSON.stringify(told));
    stream.end();
  });

  const bad: [what: string, value: JsonValue, details: RegExp][] = [
    ["no domain", { bucketQuotaUsages: [{ bucketId: { bucket: { a: "b" } } }] }, /must name its domain/],
    ["no id", { domain: "d", bucketQuotaUsages: [{ numRequestsAllowed: 1 }] }, /a bucket without an id/],
    ["an absurd number", usage("x", Number.MAX_SAFE_INTEGER), /too many requests/],
  ];
  for (const [what, value, details] of bad) {
    test(`${what} ends the stream`, async () => {
      const { client } = await serve(new MemoryLedger(), perClient);
      await assert.rejects(ask(open(client), value), details);
    });
  }
});
