// The file of a SqliteStore: how it is made, and how it is found to be whole.
import { createHash } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { CorruptStoreError, StoreUnavailableError } from "./store.ts";

/** Says that a file of SQLite is one of ours ("MSHW"), as the command `file` shows it. */
const APPLICATION_ID = 0x4d534857;
/** The version of the tables. */
const FORMAT = 1;

const tables = `
CREATE TABLE event (
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  data TEXT NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are only appended'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are only appended'); END;
CREATE TABLE blob (name TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL, checksum BLOB NOT NULL) STRICT;
CREATE TABLE counter (value INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (0);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${FORMAT};
`;

/** Makes the file whole and then gives it its name, so that one that is empty or half made is known to be damaged. */
export function createFile(file: string): void {
  const scratch = `${file}.new`;
  rmSync(scratch, { force: true });
  const db = new Database(scratch);
  try {
    // What is in it may be secret. SQLite gives its log the mode of the file.
    chmodSync(scratch, 0o600);
    db.exec(tables);
  } finally {
    db.close();
  }
  renameSync(scratch, file);
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}

/**
 * Reads all that there is in a file, and writes nothing.
 *
 * @throws CorruptStoreError when it is damaged, or not of this format.
 */
export function verifyFile(file: string): void {
  // What is opened to be read does not merge the log into the file when it is closed.
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
  try {
    const id = db.pragma("application_id", { simple: true });
    const format = db.pragma("user_version", { simple: true });
    if (id !== APPLICATION_ID) throw damaged(file, "it is not a file of the control plane's state");
    if (format !== FORMAT) {
      throw new CorruptStoreError(
        `${file} has the format ${String(format)}, and this version of meshwright knows ${FORMAT}: start the version that wrote it`,
      );
    }
    const fault = db.pragma("quick_check(1)", { simple: true });
    if (fault !== "ok") throw damaged(file, String(fault));
    verifyEvents(db, file);
    verifyBlobs(db, file);
  } catch (error) {
    if (error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) {
      throw damaged(file, error.message);
    }
    throw error;
  } finally {
    db.close();
  }
}

function verifyEvents(db: Database.Database, file: string): void {
  const next = new Map<string, number>();
  const rows = db.prepare("SELECT stream, version, data, checksum FROM event").iterate() as Iterable<EventRow>;
  for (const { stream, version, data, checksum } of rows) {
    const expected = next.get(stream) ?? 1;
    if (version !== expected) throw damaged(file, `event ${String(expected)} of ${stream} is missing`);
    if (!eventChecksum(stream, version, data).equals(checksum)) {
      throw damaged(file, `event ${String(version)} of ${stream} is not as it was written`);
    }
    next.set(stream, version + 1);
  }
}

function verifyBlobs(db: Database.Database, file: string): void {
  const rows = db.prepare("SELECT name, value, checksum FROM blob").iterate() as Iterable<BlobRow>;
  for (const { name, value, checksum } of rows) {
    if (!blobChecksum(name, value).equals(checksum)) throw damaged(file, `${name} is not as it was written`);
  }
}

interface EventRow {
  readonly stream: string;
  readonly version: number;
  readonly data: string;
  readonly checksum: Uint8Array;
}

interface BlobRow {
  readonly name: string;
  readonly value: Uint8Array;
  readonly checksum: Uint8Array;
}

/** SQLite itself does not notice a flipped bit within a value. */
export function eventChecksum(stream: string, version: number, data: string): Buffer {
  return createHash("sha256")
    .update(`${stream}\n${String(version)}\n${data}`)
    .digest();
}

export function blobChecksum(name: string, value: Uint8Array): Buffer {
  return createHash("sha256").update(`${name}\n`).update(value).digest();
}

function damaged(file: string, what: string): CorruptStoreError {
  return new CorruptStoreError(
    `${file} is damaged: ${what}. Nothing was changed. ` +
      `Move it away together with ${file}-wal, then put a backup in its place, or start without it and apply your files again`,
  );
}

/** An error of SQLite or of the file system in the words of a store; others are as they were. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CorruptStoreError) return error;
  if (error instanceof Database.SqliteError) {
    const reason = reasons.find(([code]) => error.code.startsWith(code))?.[1] ?? `${error.message} (${error.code})`;
    return new StoreUnavailableError(`the state cannot be kept: ${reason}`, { cause: error });
  }
  const isSystem = "code" in error && "syscall" in error;
  return isSystem ? new StoreUnavailableError(`the state cannot be kept: ${error.message}`, { cause: error }) : error;
}

const reasons: readonly (readonly [code: string, reason: string])[] = [
  ["SQLITE_BUSY", "another process has hold of it; each control plane has a folder of its own"],
  ["SQLITE_FULL", "the disk is full"],
  ["SQLITE_READONLY", "there is no permission to write it"],
  ["SQLITE_CANTOPEN", "there is no permission to open it"],
  ["SQLITE_IOERR_WRITE", "the disk is full, or a limit on the size of files is reached"],
  ["SQLITE_IOERR", "the disk does not answer"],
];
