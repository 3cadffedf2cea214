import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import Database from "better-sqlite3";
import { CorruptStoreError, SqliteStore, StoreUnavailableError } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-sqlite-"));
after(() => rmSync(root, { recursive: true }));
let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(root, "store-"));
  file = join(folder, "deep", "state.db");
});

async function filled(): Promise<void> {
  const store = SqliteStore.open(file);
  for (let i = 0; i < 20; i++) await store.append("log", i, [{ text: `event ${String(i)} ${"x".repeat(500)}` }]);
  await store.writeBlob("blob", Buffer.from("a value that is long enough to be found"), undefined);
  await store.close();
}

/** The files of the store by the hash of what is in them. */
function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(folder, "deep")).map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, "deep", name)))
        .digest("hex"),
    ]),
  );
}

/** SQLite may leave an empty log beside what it only read. */
function assertUnchanged(before: Record<string, string>): void {
  const now = contents();
  assert.deepEqual(Object.fromEntries(Object.keys(before).map((name) => [name, now[name]])), before);
}

test("its files are for their owner alone", async () => {
  const store = SqliteStore.open(file);
  await store.append("log", 0, ["x"]);
  for (const name of readdirSync(join(folder, "deep")))
    assert.equal(statSync(join(folder, "deep", name)).mode & 0o077, 0, name);
  await store.close();
});

describe("a damaged file is refused and left as it is", () => {
  const edit = (find: string, put: string): void => {
    const all = readFileSync(file);
    const at = all.indexOf(find);
    assert.ok(at >= 0, "it is there to be changed");
    writeFileSync(file, Buffer.concat([all.subarray(0, at), Buffer.from(put), all.subarray(at + put.length)]));
  };
  const damages: [what: string, damage: () => void, message: RegExp][] = [
    ["empty", () => truncateSync(file, 0), /is not a file of the control plane's state/],
    ["cut off", () => truncateSync(file, 4096 * 3), /is damaged/],
    ["overwritten at its start", () => edit("SQLite", "QLSite"), /is damaged: file is not a database/],
    [
      "of another kind",
      () => (rmSync(file), new Database(file).exec("CREATE TABLE t (a)").close()),
      /is not a file of/,
    ],
    ["changed in an event", () => edit("event 7", "event 8"), /event 8 of log is not as it was written/],
    ["changed in a value", () => edit("a value", "no valu"), /blob is not as it was written/],
    ["overwritten in a page", () => edit("event 3", "\u0000".repeat(3000)), /is damaged/],
    [
      "of a newer format",
      () => {
        const db = new Database(file);
        db.pragma("user_version = 2");
        db.close();
      },
      /has the format 2, and this version of meshwright knows 1/,
    ],
  ];
  for (const [what, damage, message] of damages) {
    test(what, async () => {
      await filled();
      damage();
      const before = contents();
      assert.throws(
        () => SqliteStore.open(file),
        (error) => {
          assert.ok(error instanceof CorruptStoreError, String(error));
          assert.match(error.message, message);
          assert.ok(error.message.includes(file), error.message);
          return true;
        },
      );
      assertUnchanged(before);
    });
  }

  test("also while its log is not merged yet", async () => {
    const store = SqliteStore.open(file);
    await store.append("log", 0, ["kept in the log"]);
    const copy = join(folder, "copy.db");
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    await store.close();
    rmSync(file);
    copyFileSync(copy, file);
    copyFileSync(`${copy}-wal`, `${file}-wal`);
    edit("CREATE TABLE", "CREATE TEMPL");
    const before = contents();
    assert.ok(before["state.db-wal"], "the log is there");
    assert.throws(() => SqliteStore.open(file), CorruptStoreError);
    assertUnchanged(before);
  });
});

describe("opening", () => {
  let store: SqliteStore | undefined;
  afterEach(async () => store?.close());

  test("a second one of the same file is refused", async () => {
    store = SqliteStore.open(file);
    assert.throws(() => SqliteStore.open(file), {
      name: StoreUnavailableError.name,
      message: /another process has hold/,
    });
    await store.append("log", 0, ["still works"]);
  });

  test("a folder that cannot be made is refused", () => {
    writeFileSync(join(folder, "deep"), "a file");
    assert.throws(() => SqliteStore.open(file), StoreUnavailableError);
  });

  test("what a crash left of a file that was being made is no hindrance", async () => {
    await filled();
    writeFileSync(`${file}.new`, "half");
    rmSync(file);
    store = SqliteStore.open(file);
    assert.equal(await store.version("log"), 0);
    assert.equal(existsSync(`${file}.new`), false);
  });

  test("events cannot be changed or removed, whatever asks for it", async () => {
    await filled();
    const db = new Database(file);
    assert.throws(() => db.exec("DELETE FROM event"), /events are only appended/);
    assert.throws(() => db.exec("UPDATE event SET version = version + 1"), /events are only appended/);
    db.close();
  });

  test("a backup is a store", async () => {
    store = SqliteStore.open(file);
    await store.append("log", 0, ["a"]);
    const copy = join(folder, "backup.db");
    await store.backup(copy);
    await store.append("log", 1, ["b"]);
    const other = SqliteStore.open(copy);
    assert.deepEqual(await other.read("log"), [{ version: 1, data: "a" }]);
    await other.close();
  });
});
