import {
  ConflictError,
  DeposedError,
  StoreUnavailableError,
  type Blob,
  type Candidacy,
  type ElectionObserver,
  type Json,
  type NoticeChanges,
  type Store,
  type StoredEvent,
  type Term,
} from "../../store/index.ts";

// For tests: a store in memory that several control planes share, from which each can be cut off, and whose leases end when the test says so.

interface Candidate {
  readonly client: StoreClient;
  readonly observer: ElectionObserver;
  readonly election: string;
  /** What it takes for its term; it may be over already. */
  believes: Term | undefined;
}

export class SharedStore {
  readonly streams = new Map<string, Json[]>();
  readonly blobs = new Map<string, Blob>();
  readonly notices = new Map<string, { readonly owner: StoreClient; readonly value: Uint8Array }>();
  readonly clients: StoreClient[] = [];
  /** Who stands, the one that leads first. */
  candidates: Candidate[] = [];
  /** The term that is not over. */
  term: Term | undefined;
  #count = 0;

  client(): StoreClient {
    const client = new StoreClient(this);
    this.clients.push(client);
    return client;
  }

  next(): number {
    return ++this.#count;
  }

  /** Who leads by what the store knows. */
  get leader(): StoreClient | undefined {
    return this.term === undefined ? undefined : this.candidates[0]?.client;
  }

  /** Ends the leases of a client, as when it was not heard of for long. It does not hear of that where it is cut off. */
  expire(client: StoreClient): void {
    for (const [name, { owner }] of this.notices) if (owner === client) this.setNotice(name, undefined);
    const leads = this.leader === client;
    const mine = this.candidates.filter((candidate) => candidate.client === client);
    this.candidates = [...this.candidates.filter((candidate) => candidate.client !== client), ...mine];
    if (leads) this.term = undefined;
    this.elect();
  }

  /** Gives the lead to the first that can be reached, where nobody has it. */
  elect(): void {
    if (this.term !== undefined) return;
    const first = this.candidates.findIndex(({ client }) => client.isThere);
    const candidate = this.candidates[first];
    if (candidate === undefined) return;
    this.candidates.splice(first, 1);
    this.candidates.unshift(candidate);
    this.term = { election: candidate.election, id: String(this.next()) };
    candidate.believes = this.term;
    candidate.observer.elected();
  }

  setNotice(name: string, notice: { readonly owner: StoreClient; readonly value: Uint8Array } | undefined): void {
    if (notice === undefined) this.notices.delete(name);
    else this.notices.set(name, notice);
    for (const client of this.clients) client.tellNotice(name, notice?.value);
  }

  changed(stream: string): void {
    for (const client of this.clients) client.tellStream(stream);
  }
}

/** The store as one control plane has it. */
export class StoreClient implements Store {
  readonly #shared: SharedStore;
  readonly #posted = new Map<string, Uint8Array>();
  readonly #noticeWatches: { readonly prefix: string; readonly onChange: (changes: NoticeChanges) => void }[] = [];
  readonly #streamWatches: { readonly prefix: string; readonly onChange: (stream?: string) => void }[] = [];
  #isThere = true;
  #isDead = false;

  constructor(shared: SharedStore) {
    this.#shared = shared;
  }

  /** Whether the store can be reached. */
  get isThere(): boolean {
    return this.#isThere && !this.#isDead;
  }

  cutOff(): void {
    this.#isThere = false;
  }

  /** It notices that it could not renew its lease. */
  noticeLoss(): void {
    for (const candidate of this.#shared.candidates) {
      if (candidate.client !== this || candidate.believes === undefined) continue;
      candidate.believes = undefined;
      candidate.observer.deposed();
    }
  }

  comeBack(): void {
    this.#isThere = true;
    if (this.#shared.leader !== this) this.noticeLoss();
    for (const [name, value] of this.#posted) this.#shared.setNotice(name, { owner: this, value });
    for (const { prefix, onChange } of this.#noticeWatches) onChange(this.#noticesOf(prefix));
    for (const { onChange } of this.#streamWatches) onChange();
    this.#shared.elect();
  }

  /** Its process is gone. */
  die(): void {
    this.#isDead = true;
  }

  tellNotice(name: string, value: Uint8Array | undefined): void {
    if (!this.isThere) return;
    for (const { prefix, onChange } of this.#noticeWatches) {
      if (name.startsWith(prefix)) onChange(new Map([[name.slice(prefix.length), value]]));
    }
  }

  tellStream(stream: string): void {
    if (!this.isThere) return;
    for (const { prefix, onChange } of this.#streamWatches) if (stream.startsWith(prefix)) onChange(stream);
  }

  append(stream: string, expected: number, events: readonly Json[], during?: Term): Promise<number> {
    return this.#run(() => {
      if (during !== undefined && during.id !== this.#shared.term?.id) throw new DeposedError(during);
      const log = this.#shared.streams.get(stream) ?? [];
      if (log.length !== expected) throw new ConflictError(stream, expected, log.length);
      this.#shared.streams.set(stream, [...log, ...(JSON.parse(JSON.stringify(events)) as Json[])]);
      this.#shared.changed(stream);
      return expected + events.length;
    });
  }

  read(stream: string, after = 0): Promise<readonly StoredEvent[]> {
    return this.#run(() =>
      (this.#shared.streams.get(stream) ?? []).slice(after).map((data, i) => ({ version: after + i + 1, data })),
    );
  }

  version(stream: string): Promise<number> {
    return this.#run(() => this.#shared.streams.get(stream)?.length ?? 0);
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#run(() => [...this.#shared.streams.keys()].filter((name) => name.startsWith(prefix)).sort());
  }

  streams(prefix: string): Promise<readonly string[]> {
    return this.list(prefix);
  }

  watch(
    stream: string,
    after: number,
    onEvents: (events: readonly StoredEvent[]) => void,
  ): Promise<() => Promise<void>> {
    let seen = after;
    return this.watchStreams(stream, () => {
      const take = (events: readonly StoredEvent[]): void => {
        seen = Math.max(seen, events.at(-1)?.version ?? 0);
        if (events.length > 0) onEvents(events);
      };
      // Where it cannot be read, it is told of again once it is back.
      void this.read(stream, seen).then(take, () => undefined);
    });
  }

  watchStreams(prefix: string, onChange: (stream?: string) => void): Promise<() => Promise<void>> {
    return Promise.resolve(this.#add(this.#streamWatches, { prefix, onChange }));
  }

  readBlob(name: string): Promise<Blob | undefined> {
    return this.#run(() => this.#shared.blobs.get(name));
  }

  writeBlob(name: string, value: Uint8Array, expected: string | undefined): Promise<string> {
    return this.#run(() => {
      const known = this.#shared.blobs.get(name)?.version;
      if (known !== expected) throw new ConflictError(name, expected, known);
      const version = String(this.#shared.next());
      this.#shared.blobs.set(name, { value, version });
      return version;
    });
  }

  deleteBlob(): Promise<void> {
    return Promise.reject(new Error("not in these tests"));
  }

  blobs(prefix: string): Promise<readonly string[]> {
    return this.#run(() => [...this.#shared.blobs.keys()].filter((name) => name.startsWith(prefix)).sort());
  }

  stand(election: string, _: string, observer: ElectionObserver): Promise<Candidacy> {
    const candidate: Candidate = { client: this, observer, election, believes: undefined };
    this.#shared.candidates.push(candidate);
    this.#shared.elect();
    return Promise.resolve({
      get isLeader() {
        return candidate.believes !== undefined;
      },
      get term() {
        return candidate.believes;
      },
      leader: () => Promise.resolve(undefined),
      withdraw: () => {
        candidate.believes = undefined;
        const { candidates, leader } = this.#shared;
        if (leader === this) this.#shared.term = undefined;
        this.#shared.candidates = candidates.filter((one) => one !== candidate);
        this.#shared.elect();
        return Promise.resolve();
      },
    });
  }

  notices(): ReturnType<Store["notices"]> {
    return {
      post: (name, value) => {
        this.#posted.set(name, value);
        if (this.isThere) this.#shared.setNotice(name, { owner: this, value });
      },
      remove: (name) => {
        this.#posted.delete(name);
        if (this.isThere) this.#shared.setNotice(name, undefined);
      },
      withdraw: () => {
        for (const name of this.#posted.keys()) if (this.isThere) this.#shared.setNotice(name, undefined);
        this.#posted.clear();
        return Promise.resolve();
      },
    };
  }

  watchNotices(prefix: string, onChange: (changes: NoticeChanges) => void): Promise<() => Promise<void>> {
    const stop = this.#add(this.#noticeWatches, { prefix, onChange });
    onChange(this.#noticesOf(prefix));
    return Promise.resolve(stop);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #noticesOf(prefix: string): NoticeChanges {
    const all = [...this.#shared.notices].filter(([name]) => name.startsWith(prefix));
    return new Map(all.map(([name, { value }]) => [name.slice(prefix.length), value]));
  }

  #add<Watch>(watches: Watch[], watch: Watch): () => Promise<void> {
    watches.push(watch);
    return () => {
      watches.splice(watches.indexOf(watch), 1);
      return Promise.resolve();
    };
  }

  async #run<T>(action: () => T): Promise<T> {
    await Promise.resolve();
    if (!this.isThere) throw new StoreUnavailableError("the store is out of reach");
    return action();
  }
}
