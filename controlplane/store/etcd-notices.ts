import { setTimeout as sleep } from "node:timers/promises";
import type { Etcd3, IKeyValue, Lease } from "etcd3";
import { watchKeys } from "./etcd-watch.ts";
import { checkName, checkSize, type Notices, type NoticeChanges, type StopWatching } from "./store.ts";

/** How long it waits before it tries again what failed, in milliseconds. */
const RETRY_MS = 500;

/** Keys of etcd's that share one lease. When the lease is lost, all of them are written again with another. */
export class EtcdNotices implements Notices {
  readonly #client: Etcd3;
  readonly #prefix: string;
  readonly #seconds: number;
  readonly #values = new Map<string, Buffer>();
  readonly #dirty = new Set<string>();
  readonly #withdrawn = new AbortController();
  #lease: Lease | undefined;
  #writing: Promise<void> | undefined;

  constructor(client: Etcd3, prefix: string, seconds: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.#seconds = seconds;
  }

  post(name: string, value: Uint8Array): void {
    checkName(name);
    checkSize(name, value);
    this.#values.set(name, Buffer.from(value));
    this.#write(name);
  }

  remove(name: string): void {
    if (this.#values.delete(name)) this.#write(name);
  }

  async withdraw(): Promise<void> {
    this.#withdrawn.abort();
    await this.#writing;
    await this.#lease?.revoke().catch(() => undefined);
  }

  #write(name: string): void {
    this.#dirty.add(name);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    // Begins after its promise is kept.
    await Promise.resolve();
    while (this.#dirty.size > 0 && !this.#withdrawn.signal.aborted) {
      try {
        const id = await this.#granted();
        for (const name of this.#dirty) {
          this.#dirty.delete(name);
          await this.#writeOne(name, id);
        }
      } catch {
        await sleep(RETRY_MS, undefined, { signal: this.#withdrawn.signal }).catch(() => undefined);
      }
    }
    this.#writing = undefined;
  }

  async #writeOne(name: string, lease: string): Promise<void> {
    const key = this.#prefix + name;
    const value = this.#values.get(name);
    try {
      if (value === undefined) await this.#client.delete().key(key);
      else await this.#client.put(key).value(value).lease(lease).exec();
    } catch (error) {
      this.#dirty.add(name);
      throw error;
    }
  }

  async #granted(): Promise<string> {
    if (this.#lease === undefined) {
      const lease = this.#client.lease(this.#seconds);
      this.#lease = lease;
      lease.on("lost", () => {
        if (this.#lease === lease) this.#lease = undefined;
        for (const name of this.#values.keys()) this.#write(name);
      });
    }
    return this.#lease.grant();
  }
}

/** Tells of all keys with a prefix, and of what becomes of them. */
export async function watchNotices(
  client: Etcd3,
  prefix: string,
  onChange: (changes: NoticeChanges) => void,
): Promise<StopWatching> {
  /** The revision in which each was last written or removed. */
  const known = new Map<string, { readonly revision: number; readonly isThere: boolean }>();
  const stopped = new AbortController();
  let reading: Promise<void> | undefined;
  let isStale = false;

  const take = ({ key, value, mod_revision }: IKeyValue, isThere: boolean): [string, Uint8Array | undefined][] => {
    const name = key.toString().slice(prefix.length);
    const revision = Number(mod_revision);
    if (revision <= (known.get(name)?.revision ?? 0)) return [];
    known.set(name, { revision, isThere });
    return [[name, isThere ? value : undefined]];
  };

  const read = async (): Promise<void> => {
    const { kvs, header } = await client.getAll().prefix(prefix).exec();
    const found = new Set(kvs.map(({ key }) => key.toString().slice(prefix.length)));
    const changes = kvs.flatMap((kv) => take(kv, true));
    const revision = Number(header.revision);
    for (const [name, last] of known) {
      if (!last.isThere || found.has(name) || last.revision > revision) continue;
      known.set(name, { revision, isThere: false });
      changes.push([name, undefined]);
    }
    if (changes.length > 0 && !stopped.signal.aborted) onChange(new Map(changes));
  };

  const readWhileStale = async (): Promise<void> => {
    await Promise.resolve();
    while (isStale && !stopped.signal.aborted) {
      isStale = false;
      await read().catch(async () => {
        isStale = true;
        await sleep(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
      });
    }
    reading = undefined;
  };

  const stop = await watchKeys(
    client,
    { prefix },
    {
      changed: (kv, isThere) => {
        const changes = take(kv, isThere);
        if (changes.length > 0 && !stopped.signal.aborted) onChange(new Map(changes));
      },
      connected: () => {
        isStale = true;
        reading ??= readWhileStale();
      },
    },
  );
  await read();
  return async () => {
    stopped.abort();
    await stop();
    await reading;
  };
}
