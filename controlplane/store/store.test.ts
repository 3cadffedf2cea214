// What every store does, one suite for all of them.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until as untilInTime } from "../../test/support/until.ts";
import { Etcd, withoutEtcd } from "../../test/support/etcd.ts";
import {
  ConflictError,
  DeposedError,
  LargeText,
  MAX_BLOB,
  MAX_EVENTS,
  SqliteStore,
  type Json,
  type Store,
  type StoredEvent,
} from "./index.ts";
import { EtcdStore } from "./etcd.ts";

interface Kind {
  readonly name: string;
  readonly skip: string | undefined;
  /** Makes an empty store to which `open` connects, and gives the way to end it. */
  readonly start: () => Promise<() => Promise<void>>;
  readonly open: () => Promise<Store>;
}

const folder = mkdtempSync(join(tmpdir(), "meshwright-store-"));
after(() => rmSync(folder, { recursive: true }));

const sqlite: Kind = {
  name: "SQLite",
  skip: undefined,
  start: () => Promise.resolve(() => Promise.resolve()),
  open: () => Promise.resolve(SqliteStore.open(join(folder, "state.db"))),
};

let server: Etcd | undefined;
const etcd: Kind = {
  name: "etcd",
  skip: withoutEtcd(),
  start: async () => {
    server = await Etcd.start();
    return () => server?.stop() ?? Promise.resolve();
  },
  open: () => EtcdStore.open({ hosts: server?.hosts ?? [], prefix: "mesh/a" }),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const until = (condition: () => boolean | Promise<boolean>): Promise<void> => untilInTime(condition, 10_000);

const conflict = { name: ConflictError.name };

for (const kind of [sqlite, etcd]) {
  describe(kind.name, { skip: kind.skip ?? false }, () => {
    let store: Store;
    let stop = (): Promise<void> => Promise.resolve();
    before(async () => {
      stop = await kind.start();
      store = await kind.open();
    });
    after(async () => {
      await store.close();
      await stop();
    });

    const dataOf = async (stream: string, from = 0, limit?: number): Promise<Json[]> =>
      (await store.read(stream, from, limit)).map(({ data }) => data);

    test("events come back as they were, in order, with their versions", async () => {
      const events: Json[] = [{ a: [1, null, "ä\u0000\u2028"] }, "text", 1.5, true, null, {}];
      assert.equal(await store.version("log"), 0);
      assert.equal(await store.append("log", 0, events.slice(0, 2)), 2);
      assert.equal(await store.append("log", 2, events.slice(2)), 6);
      assert.equal(await store.version("log"), 6);
      assert.deepEqual(
        await store.read("log"),
        events.map((data, i): StoredEvent => ({ version: i + 1, data })),
      );
      assert.deepEqual(await dataOf("log", 4), events.slice(4));
      assert.deepEqual(await dataOf("log", 1, 2), events.slice(1, 3));
      assert.deepEqual(await dataOf("log", 6), []);
      assert.deepEqual(await dataOf("none"), []);
    });

    test("who appends to another version than there is changes nothing", async () => {
      await store.append("conflict", 0, ["one"]);
      for (const version of [0, 2, -1, 7]) await assert.rejects(store.append("conflict", version, ["x"]), conflict);
      assert.deepEqual(await dataOf("conflict"), ["one"]);
    });

    test("of those who append at once to one version, one wins", async () => {
      const all = Array.from({ length: 8 }, (_, i) => store.append("race", 0, [i, i]));
      const won = (await Promise.allSettled(all)).flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      assert.equal(won.length, 1);
      assert.deepEqual(await dataOf("race"), [won[0], won[0]]);
    });

    test("more than 1 to 100 events, and too large ones, are refused", async () => {
      const many = Array.from({ length: MAX_EVENTS }, (_, i) => i);
      await assert.rejects(store.append("many", 0, []), RangeError);
      await assert.rejects(store.append("many", 0, [...many, 0]), RangeError);
      await assert.rejects(store.append("many", 0, ["x".repeat(MAX_BLOB)]), RangeError);
      assert.equal(await store.append("many", 0, many), MAX_EVENTS);
      assert.equal(await store.append("many", MAX_EVENTS, ["x".repeat(MAX_BLOB - 2)]), MAX_EVENTS + 1);
      assert.deepEqual(await dataOf("many", MAX_EVENTS - 1, 1), [MAX_EVENTS - 1]);
    });

    test("streams are found by their prefix", async () => {
      for (const name of ["runs/b", "runs/a", "runs", "runs2/c"]) await store.append(name, 0, [0]);
      assert.deepEqual(await store.streams("runs/"), ["runs/a", "runs/b"]);
      assert.deepEqual(await store.streams("none"), []);
      assert.deepEqual(await dataOf("runs"), [0]);
    });

    for (const name of ["", "/a", "a/", "a//b", "a b", "ä", "a".repeat(201)]) {
      test(`the name "${name.slice(0, 10)}" is refused`, async () => {
        await assert.rejects(store.append(name, 0, [0]), RangeError);
        await assert.rejects(store.writeBlob(name, bytes("x"), undefined), RangeError);
      });
    }

    test("a watch gives what is there and what comes, each once and in order, until it is stopped", async () => {
      const seen: StoredEvent[] = [];
      await store.append("watched", 0, [1, 2]);
      const end = await store.watch("watched", 1, (events) => seen.push(...events));
      for (let version = 2; version < 20; version++) await store.append("watched", version, [version + 1]);
      await store.append("watched2", 0, ["not this"]);
      await until(() => seen.length >= 19);
      assert.deepEqual(
        seen,
        Array.from({ length: 19 }, (_, i) => ({ version: i + 2, data: i + 2 })),
      );
      await end();
      await store.append("watched", 20, ["late"]);
      await sleep(20);
      assert.equal(seen.length, 19);
    });

    test("a blob is written from the version that is known", async () => {
      assert.equal(await store.readBlob("blob"), undefined);
      const first = await store.writeBlob("blob", bytes("one"), undefined);
      await assert.rejects(store.writeBlob("blob", bytes("two"), undefined), conflict);
      const second = await store.writeBlob("blob", bytes("two"), first);
      assert.notEqual(second, first);
      await assert.rejects(store.writeBlob("blob", bytes("three"), first), conflict);
      await assert.rejects(store.deleteBlob("blob", first), conflict);
      const blob = await store.readBlob("blob");
      assert.deepEqual([new Uint8Array(blob?.value ?? []), blob?.version], [bytes("two"), second]);
      await store.deleteBlob("blob", second);
      await assert.rejects(store.deleteBlob("blob", second), conflict);
      await assert.rejects(store.writeBlob("blob", bytes("four"), second), conflict);
      // A version does not come again, so that nobody takes a new value for an old one.
      const third = await store.writeBlob("blob", bytes("one"), undefined);
      assert.equal([first, second].includes(third), false);
    });

    test("a blob may have 1 MiB of any bytes, and not more", async () => {
      const value = Uint8Array.from({ length: MAX_BLOB }, (_, i) => (i * 7 + (i >> 8)) & 255);
      await store.writeBlob("large/a", value, undefined);
      assert.deepEqual(new Uint8Array((await store.readBlob("large/a"))?.value ?? []), value);
      await store.writeBlob("large/empty", new Uint8Array(), undefined);
      assert.equal((await store.readBlob("large/empty"))?.value.length, 0);
      await assert.rejects(store.writeBlob("large/b", new Uint8Array(MAX_BLOB + 1), undefined), RangeError);
      assert.deepEqual(await store.blobs("large/"), ["large/a", "large/empty"]);
    });

    test("one of the candidates leads, and another after it", async () => {
      const told: string[] = [];
      const stand = (name: string): ReturnType<Store["stand"]> =>
        store.stand("election", name, {
          elected: () => told.push(`${name} elected`),
          deposed: () => told.push(`${name} deposed`),
        });
      const a = await stand("a");
      await until(() => a.isLeader && told.length > 0);
      const b = await stand("b");
      const c = await stand("c");
      const other = await store.stand("other", "d", { elected: () => told.push("d"), deposed: () => undefined });
      await until(() => other.isLeader && told.includes("d"));
      assert.deepEqual([a.isLeader, b.isLeader, c.isLeader], [true, false, false]);
      assert.deepEqual([await a.leader(), await b.leader()], ["a", "a"]);
      await b.withdraw();
      await a.withdraw();
      assert.equal(a.isLeader, false);
      await until(() => c.isLeader && told.length === 3);
      assert.deepEqual(told, ["a elected", "d", "c elected"]);
      await c.withdraw();
      assert.equal(await c.leader(), undefined);
      await other.withdraw();
    });

    test("what is written in a term is written only while it lasts", async () => {
      const none = { elected: () => undefined, deposed: () => undefined };
      const a = await store.stand("terms", "a", none);
      await until(() => a.isLeader);
      const first = a.term ?? assert.fail();
      assert.equal(await store.append("of-terms", 0, ["a"], first), 1);
      await assert.rejects(store.append("of-terms", 0, ["b"], first), conflict);
      await a.withdraw();
      assert.equal(a.term, undefined);
      await assert.rejects(store.append("of-terms", 1, ["b"], first), { name: DeposedError.name });
      const b = await store.stand("terms", "b", none);
      await until(() => b.isLeader);
      await assert.rejects(store.append("of-terms", 1, ["b"], first), { name: DeposedError.name });
      assert.equal(await store.append("of-terms", 1, ["b"], b.term), 2);
      assert.deepEqual(await dataOf("of-terms"), ["a", "b"]);
      await b.withdraw();
    });

    test("a watch of streams tells of those with its prefix, also of new ones", async () => {
      const told = new Set<string | undefined>();
      const end = await store.watchStreams("some/", (stream) => told.add(stream));
      await store.append("some/a", 0, ["a"]);
      await store.append("others/a", 0, ["a"]);
      await store.append("some/b", 0, ["b"]);
      await until(() => told.has("some/b"));
      assert.deepEqual([...told], ["some/a", "some/b"]);
      await end();
    });

    test("notices are told of, and are gone with who posted them", async () => {
      const mine = store.notices();
      mine.post("there/a", bytes("one"));
      const seen = new Map<string, string>();
      const watch = (prefix: string): Promise<() => Promise<void>> =>
        store.watchNotices(prefix, (changes) => {
          for (const [name, value] of changes) {
            if (value === undefined) seen.delete(name);
            else seen.set(name, Buffer.from(value).toString());
          }
        });
      const end = await watch("there/");
      await until(() => seen.get("a") === "one");
      const others = store.notices();
      others.post("there/b", bytes("of another"));
      others.post("elsewhere", bytes("of another"));
      mine.post("there/a", bytes("two"));
      await until(() => seen.get("a") === "two" && seen.has("b"));
      mine.remove("there/a");
      await until(() => !seen.has("a"));
      mine.post("there/a", bytes("three"));
      await until(() => seen.get("a") === "three");
      assert.deepEqual([...seen.keys()].sort(), ["a", "b"]);
      await end();
      seen.clear();
      const endAgain = await watch("there/");
      assert.deepEqual(Object.fromEntries(seen), { a: "three", b: "of another" });
      await mine.withdraw();
      await until(() => !seen.has("a"));
      assert.deepEqual([...seen.keys()], ["b"]);
      await others.withdraw();
      await until(() => seen.size === 0);
      await endAgain();
    });

    test("all of it is there after it was closed and opened", async () => {
      await store.append("kept", 0, ["a", "b"]);
      const version = await store.writeBlob("kept", bytes("x"), undefined);
      await store.close();
      store = await kind.open();
      assert.deepEqual(await dataOf("kept"), ["a", "b"]);
      assert.equal((await store.readBlob("kept"))?.version, version);
      await assert.rejects(store.append("kept", 1, ["c"]), conflict);
      assert.equal(await store.append("kept", 2, ["c"]), 3);
    });

    test("a text larger than a value may be is kept in parts, which go when another takes its place", async () => {
      const large = new LargeText(store, "text");
      const text = randomBytes(MAX_BLOB * 2).toString("base64");
      const first = await large.write(text, undefined);
      assert.deepEqual(await large.read(), { text, version: first });
      // With gzip, base64 has the size of the bytes again, and a little more.
      assert.equal((await store.blobs("text/")).length, 3);
      assert.equal(await large.write(text, first), first);
      await assert.rejects(large.write("other", undefined), conflict);
      const other = new LargeText(store, "text");
      const second = await other.write(`${text}.`, first);
      assert.deepEqual(await large.read(), { text: `${text}.`, version: second });
      assert.equal((await store.blobs("text/")).length, 3);
      await assert.rejects(large.write(text, first), conflict);
      assert.equal((await store.blobs("text/")).length, 3);
      await large.write("small", second);
      assert.deepEqual(await store.blobs("text/"), []);
    });

    test("a text in parts of which one is gone is not taken for whole", async () => {
      const large = new LargeText(store, "broken", 10);
      await large.write(randomBytes(40).toString("hex"), undefined);
      const [part = ""] = await store.blobs("broken/");
      await store.deleteBlob(part, (await store.readBlob(part))?.version ?? "");
      await assert.rejects(large.read(), /broken is not whole/);
    });
  });
}
