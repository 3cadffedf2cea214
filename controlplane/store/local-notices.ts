import { checkName, checkSize, type Notices, type NoticeChanges } from "./store.ts";

/** Notices among those of one process. */
export class LocalNotices {
  readonly #values = new Map<string, Uint8Array>();
  readonly #watchers = new Set<{ readonly prefix: string; readonly onChange: (changes: NoticeChanges) => void }>();

  open(): Notices {
    const mine = new Set<string>();
    const remove = (name: string): void => {
      if (mine.delete(name)) this.#set(name, undefined);
    };
    return {
      post: (name, value) => {
        checkName(name);
        checkSize(name, value);
        mine.add(name);
        this.#set(name, Uint8Array.from(value));
      },
      remove,
      withdraw: () => {
        for (const name of mine) remove(name);
        return Promise.resolve();
      },
    };
  }

  watch(prefix: string, onChange: (changes: NoticeChanges) => void): () => Promise<void> {
    const watcher = { prefix, onChange };
    this.#watchers.add(watcher);
    const there = [...this.#values].filter(([name]) => name.startsWith(prefix));
    if (there.length > 0) onChange(new Map(there.map(([name, value]) => [name.slice(prefix.length), value])));
    return () => {
      this.#watchers.delete(watcher);
      return Promise.resolve();
    };
  }

  #set(name: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
    for (const { prefix, onChange } of this.#watchers) {
      if (name.startsWith(prefix)) onChange(new Map([[name.slice(prefix.length), value]]));
    }
  }
}
