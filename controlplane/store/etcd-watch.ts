import { setTimeout as sleep } from "node:timers/promises";
import type { Etcd3, IKeyValue, Watcher } from "etcd3";
import type { StopWatching } from "./store.ts";

/** How long it waits before it begins again where etcd refuses, in milliseconds. */
const RETRY_MS = 500;

/** What hears of changes of keys. */
export interface KeyObserver {
  changed(kv: IKeyValue, isThere: boolean): void;
  /** What changed until now may be missed: it is to be read. */
  connected(): void;
}

/**
 * Watches a key, or all keys with a prefix, until it is stopped: also after etcd was out of reach, or has forgotten what happened meanwhile
 * (it cancels a watch that reaches back before its last compaction).
 */
export async function watchKeys(
  client: Etcd3,
  keys: { readonly key: string } | { readonly prefix: string },
  observer: KeyObserver,
): Promise<StopWatching> {
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;
  let watcher = await begin();
  return async () => {
    stopped.abort();
    await watcher.cancel().catch(() => undefined);
  };

  async function begin(): Promise<Watcher> {
    const builder = client.watch();
    const created = await ("key" in keys ? builder.key(keys.key) : builder.prefix(keys.prefix)).create();
    created
      .on("put", (kv) => observer.changed(kv, true))
      .on("delete", (kv) => observer.changed(kv, false))
      .on("connected", () => observer.connected())
      .on("error", () => void again());
    return created;
  }

  async function again(): Promise<void> {
    while (!isStopped()) {
      try {
        const next = await begin();
        if (isStopped()) await next.cancel();
        watcher = next;
        observer.connected();
        return;
      } catch {
        await sleep(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
  }
}
