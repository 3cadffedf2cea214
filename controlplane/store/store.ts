/**
 * Where the control plane keeps what has to survive it: logs of events and named values. Both change only from a version
 * that the writer has seen, so that two writers cannot overwrite one another. What has been written is durable before the
 * promise resolves.
 *
 * Names of streams and blobs are paths such as `rollouts/authz`: letters, digits, `.`, `-`, `_`, `:` and `/`, 200 characters
 * at most.
 */
export interface Store {
  /**
   * Appends events to a stream, all of them or none, and gives the stream's new version: the number of its events. A
   * stream without events has the version 0 and need not be made.
   *
   * @param expectedVersion the version of the stream that the writer knows.
   * @param events 1 to {@link MAX_EVENTS}.
   * @param during a term in which the writer leads: nothing is written once it is over, whether the writer knows or not.
   * @throws ConflictError when the stream has another version.
   * @throws DeposedError when the term is over.
   * @throws StoreUnavailableError when they could not be written. They may have been all the same where the store did not
   * answer in time: read before the next try.
   */
  append(stream: string, expectedVersion: number, events: readonly Json[], during?: Term): Promise<number>;

  /**
   * The events after the version `after`, in their order.
   *
   * @param limit how many at most; all that there are when left out.
   * @throws StoreUnavailableError
   */
  read(stream: string, after?: number, limit?: number): Promise<readonly StoredEvent[]>;

  /** The number of events of a stream. */
  version(stream: string): Promise<number>;

  /** The streams that have events and whose names begin with `prefix`, in order. */
  streams(prefix: string): Promise<readonly string[]>;

  /**
   * Gives every event after the version `after`, those that are there and those that come, each once and in order. Resolves
   * once it watches. Goes on by itself when the store was out of reach for a while.
   */
  watch(stream: string, after: number, onEvents: (events: readonly StoredEvent[]) => void): Promise<StopWatching>;

  /**
   * Tells of each stream that may have got events and whose name begins with `prefix`, or of none by name when it may be any of them. Resolves
   * once it watches.
   */
  watchStreams(prefix: string, onChange: (stream?: string) => void): Promise<StopWatching>;

  /** A named value; undefined when there is none. */
  readBlob(name: string): Promise<Blob | undefined>;

  /**
   * Writes a named value, {@link MAX_BLOB} bytes at most, and gives its new version.
   *
   * @param expected the version that the writer knows, or undefined when there is to be no value of this name yet.
   * @throws ConflictError when the value has another version.
   * @throws StoreUnavailableError as {@link append} does.
   */
  writeBlob(name: string, value: Uint8Array, expected: BlobVersion | undefined): Promise<BlobVersion>;

  /**
   * Removes a named value.
   *
   * @throws ConflictError when the value has another version, or is not there.
   */
  deleteBlob(name: string, expected: BlobVersion): Promise<void>;

  /** The names of values that begin with `prefix`, in order. */
  blobs(prefix: string): Promise<readonly string[]>;

  /**
   * Stands for election: of all that stand under one name, over all processes on this store, one leads at a time. Who
   * leads writes with its term: one that has lost the lead without knowing it yet gets a {@link DeposedError}.
   *
   * @param candidate who stands, for people; such as a host's name.
   */
  stand(election: string, candidate: string, observer: ElectionObserver): Promise<Candidacy>;

  /**
   * Notices of one who posts: named values that live as long as it does. For what only those who live have to say, and
   * that need not survive.
   */
  notices(): Notices;

  /**
   * Gives all notices whose names begin with `prefix`, those that are there before it resolves, and what becomes of them; of several values
   * that a name had in a short time perhaps only the last. Names are given without the prefix.
   */
  watchNotices(prefix: string, onChange: (changes: NoticeChanges) => void): Promise<StopWatching>;

  /**
   * Writes a copy of all that is in it, as of one moment, while it is in use. Absent where the store has its own ways.
   *
   * @throws Error when the file cannot be written.
   */
  backup?(file: string): Promise<void>;

  close(): Promise<void>;
}

/** How many events are appended at once at most. */
export const MAX_EVENTS = 100;

/** The size of a named value, and of the events that are appended at once, in bytes. */
export const MAX_BLOB = 1024 * 1024;

/** What JSON can express. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** An event with its place in the stream: the first has the version 1. */
export interface StoredEvent {
  readonly version: number;
  readonly data: Json;
}

/** A version of a named value; never used for another value of this name again. */
export type BlobVersion = string;

/** A named value. */
export interface Blob {
  readonly value: Uint8Array;
  readonly version: BlobVersion;
}

/** Ends a watch. The watcher is not called after it was called. */
export type StopWatching = () => Promise<void>;

/** The time in which one candidate leads. No two have the same. */
export interface Term {
  readonly election: string;
  readonly id: string;
}

/** What one who lives posts. */
export interface Notices {
  /** Posts a value, {@link MAX_BLOB} bytes at most, as soon as the store can be reached; a later one of the same name takes its place. */
  post(name: string, value: Uint8Array): void;
  remove(name: string): void;
  /** Removes all. They go by themselves a while after who posted them has died, or was cut off. */
  withdraw(): Promise<void>;
}

/** Notices that have another value now, by name; undefined for those that are gone. */
export type NoticeChanges = ReadonlyMap<string, Uint8Array | undefined>;

/** Hears what becomes of a candidate. */
export interface ElectionObserver {
  /** It leads from now on. */
  elected(): void;
  /** It no longer leads: its lease ran out, or the store is out of reach. It stands again by itself. */
  deposed(): void;
}

/** One that stands for election. */
export interface Candidacy {
  readonly isLeader: boolean;
  /** The term in which it leads; undefined when it does not. */
  readonly term: Term | undefined;
  /** The candidate that leads now, where that is known. */
  leader(): Promise<string | undefined>;
  /** Stands no longer, and gives the lead up at once if it has it, without a call of `deposed`. */
  withdraw(): Promise<void>;
}

/** Somebody else has written since. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";

  constructor(what: string, expected: number | string | undefined, actual: number | string | undefined) {
    const shown = (version: number | string | undefined): string =>
      version === undefined ? "no value" : `version ${String(version)}`;
    super(`${what}: expected ${shown(expected)}, found ${shown(actual)}`);
  }
}

/** A term is over: another leads, or nobody does. */
export class DeposedError extends Error {
  override readonly name = "DeposedError";

  constructor({ election, id }: Term) {
    super(`${election}: the term ${id} is over`);
  }
}

/** The store does not answer, or could not write: its disk is full, or its server is out of reach. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** What is kept is damaged. Nothing was changed. The message says how to go on. */
export class CorruptStoreError extends Error {
  override readonly name = "CorruptStoreError";
}

/** @throws RangeError for a name that not every store could keep. */
export function checkName(name: string): void {
  if (/^[A-Za-z0-9._:-]+(\/[A-Za-z0-9._:-]+)*$/.test(name) && name.length <= 200) return;
  throw new RangeError(`expected letters, digits, ".", "-", "_", ":" and single "/" between them, found ${name}`);
}

/** Events as they are kept. @throws RangeError when they are too many or too large. */
export function encodeEvents(events: readonly Json[]): string[] {
  if (events.length === 0 || events.length > MAX_EVENTS) {
    throw new RangeError(`expected 1 to ${MAX_EVENTS} events, found ${events.length}`);
  }
  const texts = events.map((event) => JSON.stringify(event));
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > MAX_BLOB) throw new RangeError(`expected events of at most ${MAX_BLOB} bytes together, found ${size}`);
  return texts;
}

/** @throws RangeError when a value is too large. */
export function checkSize(name: string, value: Uint8Array): void {
  if (value.length > MAX_BLOB) {
    throw new RangeError(`${name}: expected at most ${MAX_BLOB} bytes, found ${value.length}`);
  }
}
