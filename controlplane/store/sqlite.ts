import { EventEmitter } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { LocalElections } from "./local-elections.ts";
import { LocalNotices } from "./local-notices.ts";
import { Follower } from "./follower.ts";
import {
  checkName,
  checkSize,
  ConflictError,
  DeposedError,
  encodeEvents,
  type Blob,
  type BlobVersion,
  type Candidacy,
  type ElectionObserver,
  type Json,
  type NoticeChanges,
  type Notices,
  type StopWatching,
  type Store,
  type StoredEvent,
  type Term,
} from "./store.ts";
import { blobChecksum, createFile, eventChecksum, unavailable, verifyFile } from "./sqlite-file.ts";

/** The event that tells of every stream; no stream has this name. */
const ANY = "*";

/**
 * A store in one file of SQLite, of which one process has hold at a time. A write is on the disk when it is acknowledged:
 * `synchronous=FULL` with a write-ahead log.
 */
export class SqliteStore implements Store {
  readonly #db: Database.Database;
  readonly #changes = new EventEmitter();
  readonly #followers = new Set<Follower>();
  readonly #statements = new Map<string, Database.Statement>();
  readonly #elections = new LocalElections();
  readonly #notices = new LocalNotices();

  private constructor(db: Database.Database) {
    this.#db = db;
    this.#changes.setMaxListeners(0);
  }

  /**
   * Opens a file, or makes it when there is none.
   *
   * @throws CorruptStoreError when it is damaged or is something else; it is left as it is.
   * @throws StoreUnavailableError when another process has hold of it, or it cannot be read or made.
   */
  static open(file: string): SqliteStore {
    try {
      mkdirSync(dirname(file), { recursive: true });
      if (existsSync(file)) verifyFile(file);
      else createFile(file);
      // What a crash left of a file that was never finished.
      rmSync(`${file}.new`, { force: true });
      const db = new Database(file, { fileMustExist: true, timeout: 0 });
      try {
        db.pragma("locking_mode = EXCLUSIVE");
        db.pragma("journal_mode = WAL");
        db.pragma("synchronous = FULL");
        // Takes the lock now: an exclusive lock is taken with the first write otherwise.
        db.exec("BEGIN IMMEDIATE; COMMIT");
      } catch (error) {
        db.close();
        throw error;
      }
      return new SqliteStore(db);
    } catch (error) {
      throw unavailable(error);
    }
  }

  append(stream: string, expectedVersion: number, events: readonly Json[], during?: Term): Promise<number> {
    return this.#write(() => {
      checkName(stream);
      if (during !== undefined && !this.#elections.isOn(during)) throw new DeposedError(during);
      const texts = encodeEvents(events);
      const actual = this.#version(stream);
      if (actual !== expectedVersion) throw new ConflictError(stream, expectedVersion, actual);
      const insert = this.#prepare("INSERT INTO event (stream, version, data, checksum) VALUES (?, ?, ?, ?)");
      let version = actual;
      for (const text of texts) {
        version++;
        insert.run(stream, version, text, eventChecksum(stream, version, text));
      }
      return version;
    }, stream);
  }

  read(stream: string, after = 0, limit = -1): Promise<readonly StoredEvent[]> {
    return this.#run(() => {
      const rows = this.#prepare(
        "SELECT version, data FROM event WHERE stream = ? AND version > ? ORDER BY version LIMIT ?",
      ).all(stream, after, limit) as { version: number; data: string }[];
      return rows.map(({ version, data }) => ({ version, data: JSON.parse(data) as Json }));
    });
  }

  version(stream: string): Promise<number> {
    return this.#run(() => this.#version(stream));
  }

  streams(prefix: string): Promise<readonly string[]> {
    return this.#run(() => this.#names("SELECT DISTINCT stream AS name FROM event", "stream", prefix));
  }

  watch(stream: string, after: number, onEvents: (events: readonly StoredEvent[]) => void): Promise<StopWatching> {
    const follower = new Follower(this, stream, after, onEvents);
    const changed = (): void => follower.trigger();
    this.#changes.on(stream, changed);
    this.#followers.add(follower);
    follower.trigger();
    return Promise.resolve(async () => {
      this.#changes.off(stream, changed);
      this.#followers.delete(follower);
      await follower.stop();
    });
  }

  watchStreams(prefix: string, onChange: (stream?: string) => void): Promise<StopWatching> {
    const changed = (stream: string): void => {
      if (stream.startsWith(prefix)) onChange(stream);
    };
    this.#changes.on(ANY, changed);
    return Promise.resolve(() => {
      this.#changes.off(ANY, changed);
      return Promise.resolve();
    });
  }

  readBlob(name: string): Promise<Blob | undefined> {
    return this.#run(() => {
      const row = this.#prepare("SELECT value, version FROM blob WHERE name = ?").get(name) as
        { value: Uint8Array; version: number } | undefined;
      return row && { value: row.value, version: String(row.version) };
    });
  }

  writeBlob(name: string, value: Uint8Array, expected: BlobVersion | undefined): Promise<BlobVersion> {
    return this.#write(() => {
      checkName(name);
      checkSize(name, value);
      this.#checkBlobVersion(name, expected);
      const { version } = this.#prepare("UPDATE counter SET value = value + 1 RETURNING value AS version").get() as {
        version: number;
      };
      this.#prepare("INSERT OR REPLACE INTO blob (name, version, value, checksum) VALUES (?, ?, ?, ?)").run(
        ...[name, version, value, blobChecksum(name, value)],
      );
      return String(version);
    });
  }

  deleteBlob(name: string, expected: BlobVersion): Promise<void> {
    return this.#write(() => {
      this.#checkBlobVersion(name, expected);
      this.#prepare("DELETE FROM blob WHERE name = ?").run(name);
    });
  }

  blobs(prefix: string): Promise<readonly string[]> {
    return this.#run(() => this.#names("SELECT name FROM blob", "name", prefix));
  }

  /** One process has hold of the file, so who stands first in it leads. */
  stand(election: string, candidate: string, observer: ElectionObserver): Promise<Candidacy> {
    return Promise.resolve(this.#elections.stand(election, candidate, observer));
  }

  notices(): Notices {
    return this.#notices.open();
  }

  watchNotices(prefix: string, onChange: (changes: NoticeChanges) => void): Promise<StopWatching> {
    return Promise.resolve(this.#notices.watch(prefix, onChange));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    this.#db.close();
  }

  /** A consistent copy, made while the store is in use. @throws Error when the file cannot be written. */
  async backup(file: string): Promise<void> {
    await this.#db.backup(file);
  }

  #version(stream: string): number {
    const row = this.#prepare("SELECT max(version) AS version FROM event WHERE stream = ?").get(stream);
    return (row as { version: number | null }).version ?? 0;
  }

  #checkBlobVersion(name: string, expected: BlobVersion | undefined): void {
    const row = this.#prepare("SELECT version FROM blob WHERE name = ?").get(name) as { version: number } | undefined;
    const actual = row && String(row.version);
    if (actual !== expected) throw new ConflictError(name, expected, actual);
  }

  #names(select: string, column: string, prefix: string): string[] {
    const sql = `${select} WHERE substr(${column}, 1, length(?)) = ? ORDER BY ${column}`;
    return (this.#prepare(sql).all(prefix, prefix) as { name: string }[]).map(({ name }) => name);
  }

  #prepare(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #write<T>(action: () => T, stream?: string): Promise<T> {
    return this.#run(() => {
      const result = this.#db.transaction(action).immediate();
      if (stream !== undefined) {
        this.#changes.emit(stream);
        this.#changes.emit(ANY, stream);
      }
      return result;
    });
  }

  #run<T>(action: () => T): Promise<T> {
    return new Promise((resolve) => {
      try {
        resolve(action());
      } catch (error) {
        throw unavailable(error);
      }
    });
  }
}
