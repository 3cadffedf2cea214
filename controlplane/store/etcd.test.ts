import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until as untilInTime } from "../../test/support/until.ts";
import { Etcd, withoutEtcd, type EtcdMember } from "../../test/support/etcd.ts";
import { EtcdStore } from "./etcd.ts";
import { ConflictError, DeposedError, StoreUnavailableError, type Json } from "./index.ts";

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

  test("a leader that is cut off writes nothing once another leads", async () => {
    const none = { elected: () => undefined, deposed: () => undefined };
    const a = await one.stand("fenced", "a", none);
    await until(() => a.isLeader);
    const stale = a.term ?? assert.fail();
    await a.withdraw();
    const b = await other.stand("fenced", "b", none);
    await until(() => b.isLeader);
    // It does not know yet, and the version that it knows is right.
    await assert.rejects(one.append("fenced", 0, ["a"], stale), { name: DeposedError.name });
    await other.append("fenced", 0, ["b"], b.term);
    await b.withdraw();
  });

  test("notices go when who posted them is cut off, and come again when it is back", async () => {
    const seen = new Map<string, string>();
    let gone = false;
    const end = await other.watchNotices("alive/", (changes) => {
      for (const [name, value] of changes) {
        gone ||= value === undefined;
        if (value === undefined) seen.delete(name);
        else seen.set(name, Buffer.from(value).toString());
      }
    });
    const notices = one.notices();
    notices.post("alive/one", Buffer.from("here"));
    await until(() => seen.size === 1);
    for (const member of etcd.members) await member.kill();
    notices.post("alive/one", Buffer.from("still here"));
    await Promise.all(etcd.members.map((member) => member.begin()));
    await until(() => seen.get("one") === "still here");
    // As etcd does with a lease that was not renewed in time.
    const ask = async (path: string, body: object): Promise<unknown> =>
      (await fetch(`${etcd.hosts[0] ?? ""}${path}`, { method: "POST", body: JSON.stringify(body) })).json();
    const { leases } = (await ask("/v3/lease/leases", {})) as { leases: { ID: string }[] };
    for (const { ID } of leases) await ask("/v3/lease/revoke", { ID });
    await until(() => gone);
    await until(() => seen.get("one") === "still here");
    await notices.withdraw();
    await until(() => seen.size === 0);
    await end();
  });

  test("a watch goes on after a compaction of what it has not seen", async () => {
    const seen: Json[] = [];
    const end = await other.watch("compacted", 0, (events) => seen.push(...events.map(({ data }) => data)));
    await one.append("compacted", 0, ["a"]);
    await until(() => seen.length === 1);
    for (const member of etcd.members) await member.kill();
    await Promise.all(etcd.members.map((member) => member.begin()));
    await until(async () => (await one.append("compacted", 1, ["b"]).catch(() => 0)) === 2);
    const { header } = (await (
      await fetch(`${etcd.hosts[0] ?? ""}/v3/kv/range`, { method: "POST", body: JSON.stringify({ key: "YQ==" }) })
    ).json()) as { header: { revision: string } };
    const body = JSON.stringify({ revision: header.revision, physical: true });
    await fetch(`${etcd.hosts[0] ?? ""}/v3/kv/compaction`, { method: "POST", body });
    await one.append("compacted", 2, ["c"]);
    await until(() => seen.length === 3);
    await one.append("compacted", 3, ["d"]);
    await until(() => seen.length === 4);
    await end();
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
