import { setTimeout as sleep } from "node:timers/promises";
import type { Etcd3, Lease } from "etcd3";
import type { Candidacy, ElectionObserver, Term } from "./store.ts";

/** How long a candidate waits before it tries again what failed, in milliseconds. */
const RETRY_MS = 500;

interface Candidate {
  readonly election: string;
  readonly name: string;
  readonly observer: ElectionObserver;
}

/**
 * A candidate for a key of etcd's. It takes the key with a lease when there is none, and waits for its end otherwise. A leader
 * that could not renew its lease in time takes itself for deposed before etcd gives the key to another.
 */
export class EtcdCandidacy implements Candidacy {
  readonly #client: Etcd3;
  readonly #key: string;
  readonly #candidate: Candidate;
  readonly #seconds: number;
  readonly #withdrawn = new AbortController();
  readonly #standing: Promise<void>;
  #term: Term | undefined;

  constructor(client: Etcd3, key: string, candidate: Candidate, seconds: number) {
    this.#client = client;
    this.#key = key;
    this.#candidate = candidate;
    this.#seconds = seconds;
    this.#standing = this.#stand();
  }

  get isLeader(): boolean {
    return this.#term !== undefined;
  }

  get term(): Term | undefined {
    return this.#term;
  }

  async leader(): Promise<string | undefined> {
    return (await this.#client.get(this.#key).string()) ?? undefined;
  }

  async withdraw(): Promise<void> {
    this.#term = undefined;
    this.#withdrawn.abort();
    await this.#standing;
  }

  #isStanding(): boolean {
    return !this.#withdrawn.signal.aborted;
  }

  async #stand(): Promise<void> {
    while (this.#isStanding()) {
      try {
        await this.#tryOnce();
      } catch {
        // etcd is out of reach; who reads or writes says so.
        await sleep(RETRY_MS, undefined, { signal: this.#withdrawn.signal }).catch(() => undefined);
      }
    }
  }

  /** Leads, or waits for the end of who does. */
  async #tryOnce(): Promise<void> {
    const watcher = await this.#client.watch().key(this.#key).create();
    try {
      const gone = new Promise<void>((resolve) => {
        watcher.on("delete", () => resolve());
        watcher.on("error", () => resolve());
      });
      const lease = this.#client.lease(this.#seconds);
      // What is lost is noticed by `#lead` or by the transaction.
      lease.on("lost", () => undefined);
      try {
        const id = await lease.grant();
        const granted = performance.now();
        const { succeeded, header } = await this.#client
          .if(this.#key, "Create", "==", 0)
          .then(this.#client.put(this.#key).value(this.#candidate.name).lease(id))
          .commit();
        if (succeeded) {
          // The key is made in this revision, and in no other as long as it is the same one.
          await this.#lead(lease, granted, { election: this.#candidate.election, id: header.revision });
          return;
        }
      } finally {
        await lease.revoke().catch(() => undefined);
      }
      await Promise.race([gone, this.#untilWithdrawn()]);
    } finally {
      await watcher.cancel().catch(() => undefined);
    }
  }

  /** Leads until the lease is lost, or has not been renewed for so long that it may be, or the candidate withdraws. */
  async #lead(lease: Lease, granted: number, term: Term): Promise<void> {
    if (!this.#isStanding()) return;
    const state = { isLost: false, renewed: granted };
    let asked: number | undefined;
    lease.on("lost", () => (state.isLost = true));
    // A renewal counts from when it was asked for, since its answer may be late.
    lease.on("keepaliveFired", () => (asked ??= performance.now()));
    lease.on("keepaliveSucceeded", () => {
      state.renewed = asked ?? state.renewed;
      asked = undefined;
    });
    this.#term = term;
    this.#candidate.observer.elected();
    const limit = this.#seconds * 1000 * 0.8;
    while (this.#isStanding() && !state.isLost && performance.now() - state.renewed < limit) {
      await sleep(limit / 40, undefined, { signal: this.#withdrawn.signal }).catch(() => undefined);
    }
    // One that withdraws has given the lead up already.
    if (!this.#isStanding()) return;
    this.#term = undefined;
    this.#candidate.observer.deposed();
  }

  #untilWithdrawn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStanding()) this.#withdrawn.signal.addEventListener("abort", () => resolve(), { once: true });
      else resolve();
    });
  }
}
