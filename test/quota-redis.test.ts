// The ledger in a real Redis, beside the one in memory.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { quotaTerms } from "../controlplane/model/index.ts";
import { remaining, report, type Answer } from "../controlplane/quota/account.ts";
import { MemoryLedger, openRedisLedger, type Ledger } from "../controlplane/quota/index.ts";
import { Redis, withoutRedis } from "./support/redis.ts";

const terms = quotaTerms({
  domain: "d",
  bucket: { k: "v" },
  requests: 100,
  period: "10s",
  lease: "1s",
  onLoss: { policy: "Allow", fraction: 0.1 },
});
const afterLoss = (policy: "Deny" | "LocalShare"): typeof terms => ({ ...terms, onLoss: { policy, fraction: 0.1 } });

/** Asks for a lease. */
const ask = (ledger: Ledger, key: string, id: string, allowed = 0, denied = 1, of = terms): Promise<Answer> =>
  ledger.update(key, of, (account, now) =>
    report(account, of, { id, stream: id, isPaced: true }, { allowed, denied }, now),
  );
const left = (ledger: Ledger, key: string, of = terms): Promise<number> => ledger.update(key, of, remaining);

describe("the ledger in Redis", { skip: withoutRedis() ?? false }, () => {
  let redis: Redis;
  const ledgers: Ledger[] = [];
  before(async () => (redis = await Redis.start()));
  after(async () => {
    for (const ledger of ledgers) await ledger.close();
    await redis.stop();
  });
  const open = async (options: { now?: () => number; prefix?: string; timeoutMs?: number } = {}): Promise<Ledger> => {
    const ledger = await openRedisLedger({ url: redis.url, ...options });
    ledgers.push(ledger);
    return ledger;
  };
  let runs = 0;

  test("says what the one in memory says, through one replica or through two", async () => {
    const step = fc.record({
      replica: fc.constantFrom(0, 1),
      id: fc.constantFrom("a", "b", "c"),
      allowed: fc.integer({ min: 0, max: 40 }),
      denied: fc.integer({ min: 0, max: 40 }),
      wait: fc.integer({ min: 0, max: 1500 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let now = 1_800_000_000_000;
        const clock = { now: () => now, prefix: `p${String(++runs)}:` };
        const memory = new MemoryLedger(clock);
        const replicas = [await open(clock), await open(clock)];
        try {
          for (const { replica, id, allowed, denied, wait } of steps) {
            now += wait;
            const expected = await ask(memory, "k", id, allowed, denied);
            const found = await ask(replicas[replica] ?? memory, "k", id, allowed, denied);
            assert.deepEqual(found, expected);
          }
          assert.equal(replicas[0] && (await left(replicas[0], "k")), await left(memory, "k"));
        } finally {
          for (const ledger of replicas) await ledger.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  test("replicas at once give no token twice", async () => {
    const first = await open();
    const replicas = [first, await open(), await open()];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => ask(replicas[i % 3] ?? first, "busy", `s${String(i)}`, 0, 1000)),
    );
    const given = answers.reduce((sum, answer) => sum + (answer === "abandon" ? 0 : answer.tokens), 0);
    const now = await left(first, "busy");
    // What comes back in the time that this takes.
    assert.ok(given >= 90 && given + now <= 100 + 20, `${String(given)} given, ${String(now)} left`);
  });

  test("a control plane that starts again goes on with the counts", async () => {
    const before = await open();
    await ask(before, "again", "a", 95, 0);
    await before.close();
    const account = await left(await open(), "again");
    assert.ok(account >= 0 && account <= 15, String(account));
  });

  test("while it is gone every change fails, soon, and then works again", async () => {
    const ledger = await open({ timeoutMs: 200 });
    await ask(ledger, "gone", "a");
    redis.freeze();
    const from = Date.now();
    await assert.rejects(ask(ledger, "gone", "a"), /no answer within 200 ms/);
    assert.ok(Date.now() - from < 1000);
    redis.thaw();
    await sleep(50);
    await ask(ledger, "gone", "a");
    await redis.kill();
    await assert.rejects(ask(ledger, "gone", "a"));
    await assert.rejects(ask(ledger, "gone", "a"));
    await redis.begin();
    for (let i = 0; ; ++i) {
      try {
        await ask(ledger, "gone", "a");
        break;
      } catch (error) {
        if (i === 100) throw error;
        await sleep(50);
      }
    }
  });

  test("an account that went with the store begins by the policy", async () => {
    const ledger = await open();
    const counts: number[] = [];
    for (const policy of ["Deny", "LocalShare"] as const) counts.push(await left(ledger, policy, afterLoss(policy)));
    assert.ok((counts[0] ?? 0) <= 0 && (counts[0] ?? 0) >= -20, String(counts[0]));
    assert.ok((counts[1] ?? 0) >= 10 && (counts[1] ?? 0) <= 60, String(counts[1]));
    assert.equal(await left(ledger, "allow"), 100);
  });

  test("a store that was emptied under a replica that remembers is noticed", async () => {
    const ledger = await open();
    await ask(ledger, "emptied", "a", 0, 1, afterLoss("Deny"));
    await redis.kill();
    await redis.begin();
    let account: number | undefined;
    while (account === undefined) {
      await sleep(20);
      account = await left(ledger, "emptied", afterLoss("Deny")).catch(() => undefined);
    }
    assert.ok(account <= 0, String(account));
  });
});
