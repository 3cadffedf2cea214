import { ExponentialBackoff } from "cockatiel";
import { Etcd3, EtcdError, type IOptions } from "etcd3";
import { Follower } from "./follower.ts";
import { EtcdCandidacy } from "./etcd-candidacy.ts";
import { EtcdNotices, watchNotices } from "./etcd-notices.ts";
import { watchKeys } from "./etcd-watch.ts";
import {
  checkName,
  checkSize,
  ConflictError,
  DeposedError,
  encodeEvents,
  StoreUnavailableError,
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

/** How long etcd may take for a call, in milliseconds. */
const CALL_MS = 3_000;
/** How many events are read at once: a message of etcd's holds them all. */
const PAGE = 100;
const DIGITS = 12;
/** How long a watch that was cut off waits at most before it begins again. */
const WATCH_MS = 2_000;

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, one for each member that is known. */
  readonly hosts: readonly string[];
  /** What the names of keys begin with, so that several meshes may share one etcd. Default: `meshwright`. */
  readonly prefix?: string;
  /** PEM: the authority of etcd's certificates, and a certificate and key of our own if etcd asks for one. */
  readonly credentials?: NonNullable<IOptions["credentials"]>;
  readonly auth?: { readonly username: string; readonly password: string };
  /** How long a leader leads after it was last heard of, in seconds. Default: 10. */
  readonly leaseSeconds?: number;
}

/**
 * A store in etcd, which several control planes share. A write is in the logs of a majority of etcd's members when it is
 * acknowledged, and every read is linearizable.
 *
 * Keys: `PREFIX/versions/STREAM` has the number of a stream's events, `PREFIX/events/STREAM#NUMBER` has each of them,
 * `PREFIX/blobs/NAME` the named values, `PREFIX/elections/NAME` who leads, `PREFIX/notices/NAME` what those who live post.
 */
export class EtcdStore implements Store {
  readonly #client: Etcd3;
  readonly #prefix: string;
  readonly #leaseSeconds: number;
  readonly #followers = new Set<Follower>();
  readonly #candidacies = new Set<EtcdCandidacy>();
  readonly #notices = new Set<EtcdNotices>();

  private constructor(client: Etcd3, prefix: string, leaseSeconds: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#leaseSeconds = leaseSeconds;
  }

  /** @throws StoreUnavailableError when none of the hosts answers. */
  static async open(options: EtcdOptions): Promise<EtcdStore> {
    const { hosts, prefix = "meshwright", credentials, auth, leaseSeconds = 10 } = options;
    const client = new Etcd3({
      hosts: [...hosts],
      ...(credentials === undefined ? {} : { credentials }),
      ...(auth === undefined ? {} : { auth }),
      dialTimeout: CALL_MS,
      // A page of events may be larger than what grpc-js takes unasked.
      grpcOptions: {
        "grpc.max_receive_message_length": -1,
        "grpc.keepalive_time_ms": 10_000,
        "grpc.keepalive_timeout_ms": CALL_MS,
      },
      faultHandling: { watchBackoff: new ExponentialBackoff({ maxDelay: WATCH_MS }).next() },
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + CALL_MS }),
    });
    const store = new EtcdStore(client, prefix, leaseSeconds);
    try {
      await store.version("opened");
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  async append(stream: string, expectedVersion: number, events: readonly Json[], during?: Term): Promise<number> {
    checkName(stream);
    const texts = encodeEvents(events);
    const version = expectedVersion + texts.length;
    const key = this.#key("versions", stream);
    const transaction =
      expectedVersion === 0
        ? this.#client.if(key, "Create", "==", 0)
        : this.#client.if(key, "Value", "==", String(expectedVersion));
    // The key of an election is made anew in each term.
    if (during !== undefined)
      transaction.and(this.#key("elections", during.election), "Create", "==", Number(during.id));
    const writes = texts.map((text, i) =>
      this.#client.put(this.#eventKey(stream, expectedVersion + i + 1)).value(text),
    );
    const { succeeded } = await reach(() =>
      transaction.then(this.#client.put(key).value(String(version)), ...writes).commit(),
    );
    if (succeeded) return version;
    const actual = await this.version(stream);
    if (during !== undefined && actual === expectedVersion) throw new DeposedError(during);
    throw new ConflictError(stream, expectedVersion, actual);
  }

  async read(stream: string, after = 0, limit = Number.POSITIVE_INFINITY): Promise<readonly StoredEvent[]> {
    const events: StoredEvent[] = [];
    while (events.length < limit) {
      const from = after + events.length + 1;
      const page = Math.min(PAGE, limit - events.length);
      const range = { start: this.#eventKey(stream, from), end: this.#eventKey(stream, 10 ** DIGITS - 1) };
      const { kvs } = await reach(() => this.#client.getAll().inRange(range).limit(page).exec());
      for (const { key, value } of kvs) {
        const version = Number(key.toString().slice(-DIGITS));
        events.push({ version, data: JSON.parse(value.toString()) as Json });
      }
      if (kvs.length < page) break;
    }
    return events;
  }

  async version(stream: string): Promise<number> {
    return Number((await reach(() => this.#client.get(this.#key("versions", stream)).string())) ?? 0);
  }

  streams(prefix: string): Promise<readonly string[]> {
    return this.#names("versions", prefix);
  }

  async watch(
    stream: string,
    after: number,
    onEvents: (events: readonly StoredEvent[]) => void,
  ): Promise<StopWatching> {
    const follower = new Follower(this, stream, after, onEvents);
    // The watch tells that there is something; what it is, is read. So nothing is missed when it was cut off.
    const changed = (): void => follower.trigger();
    const stop = await this.#watchKeys({ key: this.#key("versions", stream) }, changed);
    this.#followers.add(follower);
    follower.trigger();
    return async () => {
      this.#followers.delete(follower);
      await Promise.all([follower.stop(), stop()]);
    };
  }

  watchStreams(prefix: string, onChange: (stream?: string) => void): Promise<StopWatching> {
    const start = this.#key("versions", "");
    return this.#watchKeys({ prefix: start + prefix }, (key) => onChange(key?.slice(start.length)));
  }

  async readBlob(name: string): Promise<Blob | undefined> {
    const { kvs } = await reach(() => this.#client.get(this.#key("blobs", name)).exec());
    const [found] = kvs;
    return found && { value: found.value, version: found.mod_revision };
  }

  async writeBlob(name: string, value: Uint8Array, expected: BlobVersion | undefined): Promise<BlobVersion> {
    checkName(name);
    checkSize(name, value);
    const key = this.#key("blobs", name);
    const write = this.#client.put(key).value(Buffer.from(value));
    const { succeeded, header } = await reach(() => this.#ifBlob(key, expected).then(write).commit());
    if (!succeeded) throw new ConflictError(name, expected, (await this.readBlob(name))?.version);
    return header.revision;
  }

  async deleteBlob(name: string, expected: BlobVersion): Promise<void> {
    const key = this.#key("blobs", name);
    const { succeeded } = await reach(() => this.#ifBlob(key, expected).then(this.#client.delete().key(key)).commit());
    if (!succeeded) throw new ConflictError(name, expected, (await this.readBlob(name))?.version);
  }

  blobs(prefix: string): Promise<readonly string[]> {
    return this.#names("blobs", prefix);
  }

  /** Who leads holds a key with a lease that it renews; the others wait until the key is gone. */
  stand(election: string, candidate: string, observer: ElectionObserver): Promise<Candidacy> {
    checkName(election);
    const candidacy = new EtcdCandidacy(
      this.#client,
      this.#key("elections", election),
      { election, name: candidate, observer },
      this.#leaseSeconds,
    );
    this.#candidacies.add(candidacy);
    return Promise.resolve(candidacy);
  }

  notices(): Notices {
    const notices = new EtcdNotices(this.#client, this.#key("notices", ""), this.#leaseSeconds);
    this.#notices.add(notices);
    return notices;
  }

  watchNotices(prefix: string, onChange: (changes: NoticeChanges) => void): Promise<StopWatching> {
    return reach(() => watchNotices(this.#client, this.#key("notices", prefix), onChange));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#notices].map((notices) => notices.withdraw().catch(() => undefined)));
    await Promise.all([...this.#candidacies].map((candidacy) => candidacy.withdraw().catch(() => undefined)));
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    this.#client.close();
  }

  #ifBlob(key: string, expected: BlobVersion | undefined): ReturnType<Etcd3["if"]> {
    return expected === undefined
      ? this.#client.if(key, "Create", "==", 0)
      : this.#client.if(key, "Mod", "==", Number(expected));
  }

  async #names(kind: "versions" | "blobs", prefix: string): Promise<readonly string[]> {
    const start = `${this.#prefix}/${kind}/`;
    const keys = await reach(() => this.#client.getAll().prefix(`${start}${prefix}`).sort("Key", "Ascend").keys());
    return keys.map((key) => key.slice(start.length));
  }

  #watchKeys(keys: Parameters<typeof watchKeys>[1], onChange: (key?: string) => void): Promise<StopWatching> {
    const observer = {
      changed: ({ key }: { readonly key: Buffer }): void => onChange(key.toString()),
      connected: (): void => onChange(),
    };
    return reach(() => watchKeys(this.#client, keys, observer));
  }

  #key(kind: "versions" | "blobs" | "elections" | "notices", name: string): string {
    return `${this.#prefix}/${kind}/${name}`;
  }

  #eventKey(stream: string, version: number): string {
    return `${this.#prefix}/events/${stream}#${String(version).padStart(DIGITS, "0")}`;
  }
}

/** What etcd answers. @throws StoreUnavailableError when it does not. */
async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = error instanceof EtcdError ? `etcd refuses: ${reason}` : `etcd does not answer: ${reason}`;
    throw new StoreUnavailableError(message, { cause: error });
  }
}
