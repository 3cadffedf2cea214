// The scopes beyond one Envoy: their configuration, and the filter as a client of a lease service that the test plays.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Envoys, schemaOf, statusOf, type Worker } from "../testing/filter.ts";

const envoys = new Envoys("ratelimit");
const schema = await schemaOf("ratelimit");

const leases = { domain: "shop", names: ["client"] };
const rate = { gcra: { requests: 1, period: "1h", burst: 2 } };
const limit = { name: "l", scope: "fleet", key: [{ header: "x-client" }], leases, ...rate };
const serviceLimit = { name: "l", scope: "service", key: [{ header: "x-client" }], names: ["client"] };
const service = { cluster: "c", domain: "shop" };

describe("configuration", () => {
  const good: [what: string, configuration: object][] = [
    ["leases", { limits: [limit] }],
    ["leases without a key", { limits: [{ name: "l", scope: "fleet", leases: { domain: "d" }, ...rate }] }],
    ["every field of leases", { limits: [{ ...limit, leases: { ...leases, cluster: "c", withoutLease: "deny" } }] }],
    ["a service", { limits: [serviceLimit], service }],
    [
      "every field of a service, beside another limit",
      {
        limits: [serviceLimit, { name: "m", ...rate }],
        service: { ...service, timeoutMilliseconds: 5, onFailure: "deny", errorStatus: 503 },
      },
    ],
  ];
  for (const [what, configuration] of good) {
    test(`${what} is good`, async () => {
      assert.ok(schema(configuration), JSON.stringify(schema.errors));
      await (await envoys.start()).worker(configuration);
    });
  }

  const bad: [what: string, configuration: object, problem: RegExp, schemaKnows?: boolean][] = [
    ["no leases", { limits: [{ ...limit, leases: undefined }] }, /limits\[0\]\.leases: expected an object/, false],
    [
      "leases of another scope",
      { limits: [{ ...limit, scope: "envoy" }] },
      /limits\[0\]\.leases: expected nothing, unless/,
      false,
    ],
    ["no domain", { limits: [{ ...limit, leases: { names: ["client"] } }] }, /leases\.domain: expected/],
    ["too few names", { limits: [{ ...limit, leases: { domain: "d" } }] }, /leases\.names: expected 1 names/, false],
    [
      "a name that is taken",
      { limits: [{ ...limit, leases: { domain: "d", names: ["limit"] } }] },
      /leases\.names: expected names that are not empty/,
    ],
    [
      "a policy that is none",
      { limits: [{ ...limit, leases: { ...leases, withoutLease: "maybe" } }] },
      /leases\.withoutLease: expected/,
    ],
    ["no service", { limits: [serviceLimit] }, /service: expected an object/, false],
    ["a service for nothing", { limits: [{ name: "m", ...rate }], service }, /service: expected nothing/, false],
    [
      "a rate that the service knows",
      { limits: [{ ...serviceLimit, ...rate }], service },
      /limits\[0\]\.gcra: /,
      false,
    ],
    ["no names", { limits: [{ ...serviceLimit, names: undefined }], service }, /limits\[0\]\.names: /],
    [
      "a timeout of nothing",
      { limits: [serviceLimit], service: { ...service, timeoutMilliseconds: 0 } },
      /service\.timeout/,
    ],
  ];
  for (const [what, configuration, problem, schemaKnows = true] of bad) {
    test(`${what} is refused`, async () => {
      const written: unknown = JSON.parse(JSON.stringify(configuration));
      const envoy = await envoys.start();
      await assert.rejects(envoy.worker(written), problem);
      if (schemaKnows) assert.ok(!schema(written));
    });
  }
});

// The few messages of the protocol that the test needs, by hand: tag, length, content.
const field = (number: number, content: Uint8Array | string): Uint8Array => {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  assert.ok(bytes.length < 128);
  return Uint8Array.of(number * 8 + 2, bytes.length, ...bytes);
};
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const entry = (key: string, value: string): Uint8Array => field(1, join(field(1, key), field(2, value)));
const bucket = (client: string, swap = false): Uint8Array => {
  const [first, second] = [entry("limit", "l"), entry("client", client)];
  return swap ? join(second, first) : join(first, second);
};
const duration = (seconds: number): Uint8Array => Uint8Array.of(8, seconds);
const assignment = (client: string, strategy: Uint8Array, seconds = 3, swap = false): Uint8Array =>
  field(2, join(field(1, bucket(client, swap)), field(2, join(field(2, duration(seconds)), field(3, strategy))))).map(
    (byte, i) => (i === 0 ? 10 : byte),
  );
const tokens = (count: number, perFill = 1, seconds = 100): Uint8Array =>
  field(3, join(Uint8Array.of(8, count), field(2, Uint8Array.of(8, perFill)), field(3, duration(seconds))));
const blanket = (rule: number): Uint8Array => Uint8Array.of(8, rule);

describe("a lease", () => {
  async function start(
    withoutLease = "deny",
    slots = 65_536,
  ): Promise<{
    worker: Worker;
    ask: (client?: string) => number;
    advance: (milliseconds: number) => void;
    metric: (name: string) => number;
  }> {
    const envoy = await envoys.start();
    const worker = await envoy.worker({ limits: [{ ...limit, slots, leases: { ...leases, withoutLease } }] });
    const ask = (client = "a"): number => statusOf(worker.send({ headers: [["x-client", client]] }));
    return {
      worker,
      ask,
      advance: (milliseconds) => envoy.clock.advance(milliseconds),
      metric: (name) => envoy.metric(name),
    };
  }
  const streamOf = (worker: Worker): Worker["grpcCalls"][number] => {
    const [call] = worker.grpcCalls;
    assert.ok(call);
    return call;
  };
  const times = (count: number, ask: () => number): number => {
    let passed = 0;
    for (let i = 0; i < count; ++i) if (ask() === 200) ++passed;
    return passed;
  };

  test("the first request has a report made, and the lease that comes counts", async () => {
    const { worker, ask, advance, metric } = await start();
    assert.equal(ask(), 429);
    assert.equal(worker.grpcCalls.length, 0);
    advance(50);
    const stream = streamOf(worker);
    assert.equal(stream.path, "/envoy.service.rate_limit_quota.v3.RateLimitQuotaService/StreamRateLimitQuotas");
    assert.match(stream.initialMetadata.get("x-meshwright-sidecar") ?? "", /^[0-9a-f]+-[0-9a-f]+$/);
    const expected = join(
      field(1, "shop"),
      field(2, join(field(1, bucket("a")), field(2, Uint8Array.of(8, 0, 16, 0)), Uint8Array.of(24, 0, 32, 1))),
    );
    assert.deepEqual([...(stream.messages[0] ?? [])], [...expected]);
    stream.send(assignment("a", tokens(5), 3, true));
    assert.equal(times(9, ask), 5);
    assert.equal(ask("b"), 429, "another key has no lease");
    assert.equal(metric("ratelimit.l.unleased"), 2);
  });

  test("a refusal tells what the lease has left", async () => {
    const envoy = await envoys.start();
    const worker = await envoy.worker({ limits: [{ ...limit, leases, cost: { header: "x-cost" } }] });
    const ask = (cost: string): ReturnType<Worker["send"]> =>
      worker.send({
        headers: [
          ["x-client", "a"],
          ["x-cost", cost],
        ],
      });
    ask("1");
    envoy.clock.advance(50);
    streamOf(worker).send(assignment("a", tokens(5)));
    assert.equal(statusOf(ask("2")), 200);
    const refused = ask("4");
    assert.equal(statusOf(refused), 429);
    assert.equal(refused.response.headers?.get("x-ratelimit-remaining"), "3");
  });

  test("it counts from its report: what passed since is of it, and so is the time", async () => {
    const { worker, ask, advance } = await start("allow");
    ask();
    advance(50);
    // Three pass while the answer is on its way.
    assert.equal(times(3, ask), 3);
    advance(1000);
    streamOf(worker).send(assignment("a", tokens(5), 3));
    assert.equal(times(9, ask), 2);
    advance(2000);
    assert.equal(times(5, ask), 5, "it is over 3 s after the report, and without one all pass");
  });

  test("nothing is reported before the last report is answered, and what was told in vain is told again", async () => {
    const { worker, ask, advance } = await start("allow");
    ask();
    advance(50);
    const stream = streamOf(worker);
    stream.send(assignment("a", tokens(50), 3));
    times(30, ask);
    advance(50);
    assert.equal(stream.messages.length, 2);
    times(5, ask);
    advance(500);
    assert.equal(stream.messages.length, 2);
    stream.end({ status: 14 });
    advance(150);
    const again = streamOf(worker);
    assert.notEqual(again, stream);
    assert.equal(again.initialMetadata.get("x-meshwright-sidecar"), stream.initialMetadata.get("x-meshwright-sidecar"));
    // 30 told in vain and 5 since: field 3, 35.
    assert.ok([...(again.messages[0] ?? [])].join().includes("24,35,32,0"), [...(again.messages[0] ?? [])].join());
  });

  test("a service that does not answer is left, and come back to ever more slowly", async () => {
    const { worker, ask, advance, metric } = await start();
    ask();
    advance(50);
    const stream = streamOf(worker);
    advance(5100);
    assert.ok(!stream.pending);
    for (let i = 0; i < 10; ++i) {
      ask();
      advance(10_000);
      worker.grpcCalls[0]?.end({ status: 14 });
    }
    const broken = metric("ratelimit.lease_streams_broken");
    assert.ok(broken >= 8 && broken <= 14, String(broken));
    assert.equal(worker.trap, undefined);
  });

  const strategies: [what: string, strategy: Uint8Array, passed: number][] = [
    ["everything", blanket(0), 20],
    ["nothing", blanket(1), 0],
    ["7 a minute", field(2, Uint8Array.of(8, 7, 16, 2)), 7],
    ["a token bucket", tokens(3, 2, 1), 3],
    ["one that nobody knows", field(9, "x"), 0],
    ["a unit that is none", field(2, Uint8Array.of(8, 7, 16, 99)), 0],
    ["no interval", field(3, Uint8Array.of(8, 5)), 0],
    ["what is no message", Uint8Array.of(0x1a, 100), 0],
  ];
  for (const [what, strategy, passed] of strategies) {
    test(`by ${what}: ${String(passed)} of 20 pass`, async () => {
      const { worker, ask, advance } = await start();
      ask();
      advance(50);
      streamOf(worker).send(assignment("a", strategy));
      assert.equal(times(20, ask), passed);
      assert.equal(worker.trap, undefined);
    });
  }

  test("tokens of a bucket come back at the end of each interval", async () => {
    const { worker, ask, advance } = await start();
    ask();
    advance(50);
    streamOf(worker).send(assignment("a", tokens(3, 2, 1), 100));
    assert.equal(times(5, ask), 3);
    advance(900);
    assert.equal(times(5, ask), 0);
    advance(100);
    assert.equal(times(5, ask), 2);
  });

  test("hostile answers do no harm", async () => {
    const { worker, ask, advance } = await start();
    ask();
    advance(50);
    const stream = streamOf(worker);
    for (const bytes of [[0xff], [10, 127], [10, 2, 10, 99], [10, 0], [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]]) {
      stream.send(Uint8Array.from(bytes));
    }
    stream.send(assignment("unknown", tokens(5)));
    assert.equal(ask(), 429);
    stream.send(assignment("a", tokens(1)));
    assert.equal(ask(), 200);
    assert.equal(worker.trap, undefined);
  });

  test("no more buckets than slots, and those that nobody uses make room", async () => {
    const { worker, ask, advance } = await start("allow", 4);
    for (let i = 0; i < 50; ++i) assert.equal(ask(`c${String(i)}`), 200);
    advance(50);
    const told = [...(streamOf(worker).messages[0] ?? [])].join().split("108,105,109,105,116").length - 1;
    assert.equal(told, 4);
    streamOf(worker).send(join(...[0, 1, 2, 3].map((i) => assignment(`c${String(i)}`, blanket(1), 1))));
    advance(5000);
    worker.grpcCalls.forEach(
      (call) =>
        call.pending && call.send(join(...[0, 1, 2, 3].map((i) => field(1, field(1, bucket(`c${String(i)}`)))))),
    );
    advance(1000);
    ask("new");
    advance(10_000);
    assert.ok(worker.grpcCalls.some(({ messages }) => messages.some((m) => [...m].join().includes("110,101,119"))));
  });
});
