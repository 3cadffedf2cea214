import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until as untilInTime } from "../../test/support/until.ts";
import { Etcd, withoutEtcd, type EtcdMember } from "../../test/support/etcd.ts";
import { ConflictError, EtcdStore, StoreUnavailableError, type Json } from "./index.ts";

const until = (condition: () => boolean | Promise<boolean>): Promise<void> => untilInTime(condition, 20_000);

describe("several control planes on three members of etcd", { skip: withoutEtcd() ?? false }, () => {
  let etcd: Etcd;
  let one: EtcdStore;
  let other: EtcdStore;
  before(async () => {
    etcd = await Etcd.start(3);
    const open = (prefix?: string): Promise<EtcdStore> =>
      EtcdStore.open({ hosts: etcd.hosts, leaseSeconds: 2, ...(prefix === undefined ? {} : { prefix }) });
    one = await open();
    other = await open();
  });
  after(async () => {
    await Promise.all([one.close(), other.close()]);
    await etcd.stop();
  });

  const leaderOf = async (): Promise<EtcdMember> => {
    let leader: EtcdMember | undefined;
    await until(async () => {
      for (const member of etcd.members) if (await member.isLeader().catch(() => false)) leader = member;
      return leader !== undefined;
    });
    return leader ?? assert.fail();
  };

  test("what one writes, the other reads and is told of; a version is written from once", async () => {
    const seen: Json[] = [];
    const end = await other.watch("told", 0, (events) => seen.push(...events.map(({ data }) => data)));
    await one.append("told", 0, ["a"]);
    assert.deepEqual(await other.read("told"), [{ version: 1, data: "a" }]);
    await assert.rejects(other.append("told", 0, ["b"]), { name: ConflictError.name });
    await other.append("told", 1, ["b"]);
    await until(() => seen.length === 2);
    assert.deepEqual(seen, ["a", "b"]);
    await end();
  });

  test("another prefix is another store", async () => {
    const apart = await EtcdStore.open({ hosts: etcd.hosts, prefix: "meshwright2" });
    await one.append("apart", 0, ["a"]);
    assert.deepEqual(await apart.read("apart"), []);
    assert.deepEqual(await apart.streams(""), []);
    await apart.close();
  });

  test("etcd's leader dies amid writes: nothing that was acknowledged is lost, nothing is there twice, and a watch goes on", async () => {
    const seen: number[] = [];
    const end = await other.watch("log", 0, (events) => seen.push(...events.map(({ data }) => Number(data))));
    const leader = await leaderOf();
    const acknowledged: number[] = [];
    let isDown = false;
    const write = async (): Promise<void> => {
      for (let next = 0; acknowledged.length < 300; next++) {
        if (acknowledged.length === 100 && !isDown) {
          isDown = true;
          await leader.kill();
        }
        // As a writer does that got no answer: it reads how far the log is before its next try.
        const version = await one.version("log").catch(() => undefined);
        if (version === undefined) continue;
        await one.append("log", version, [next]).then(
          () => acknowledged.push(next),
          (error: unknown) =>
            assert.ok(error instanceof StoreUnavailableError || error instanceof ConflictError, String(error)),
        );
      }
    };
    await write();
    const written = (await one.read("log")).map(({ data }) => Number(data));
    assert.equal(new Set(written).size, written.length);
    assert.deepEqual(
      acknowledged.filter((n) => !written.includes(n)),
      [],
    );
    await until(() => seen.length >= written.length);
    assert.deepEqual(seen, written);
    await end();
    await leader.begin();
  });

  test("one that stands for election leads after the one that leads has gone, or is cut off", async () => {
    const told: string[] = [];
    const stand = (store: EtcdStore, name: string): ReturnType<EtcdStore["stand"]> =>
      store.stand("rollouts", name, {
        elected: () => told.push(`${name} elected`),
        deposed: () => told.push(`${name} deposed`),
      });
    const a = await stand(one, "a");
    await until(() => a.isLeader);
    const b = await stand(other, "b");
    await one.close();
    await until(() => b.isLeader);
    assert.deepEqual(told, ["a elected", "b elected"]);
    assert.equal(await b.leader(), "b");

    for (const member of etcd.members) member.freeze();
    await until(() => !b.isLeader);
    assert.deepEqual(told.slice(2), ["b deposed"]);
    await assert.rejects(other.append("frozen", 0, ["a"]), { name: StoreUnavailableError.name });
    for (const member of etcd.members) member.thaw();
    await until(() => b.isLeader);
    one = await EtcdStore.open({ hosts: etcd.hosts });
  });
});

test("nobody there: an error that says so", { skip: withoutEtcd() ?? false }, async () => {
  await assert.rejects(EtcdStore.open({ hosts: ["http://127.0.0.1:1"] }), {
    name: StoreUnavailableError.name,
    message: /etcd does not answer: .*(127\.0\.0\.1:1|connect)/,
  });
});
