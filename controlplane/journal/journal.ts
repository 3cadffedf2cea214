import { setTimeout as sleep } from "node:timers/promises";
import { ConflictError, type Json, type StopWatching, type Store } from "../store/index.ts";
import { AssetStore } from "./assets.ts";
import { applyRevision, emptyState, type Change, type Revision, type State } from "./revision.ts";

const STREAM = "resources";
/** Changes that are larger are kept beside the log, in parts, as a store takes events of a limited size. In bytes. */
const MAX_INLINE = 256 * 1024;
/** How many revisions are looked at together. */
const PAGE = 100;
/** How often a writer tries again after another control plane on the same store was faster. */
const TRIES = 10;

/** Who changes something, and why. */
export interface Signature {
  readonly author: string;
  readonly message: string;
}

/** A revision as it is kept. */
type KeptRevision = Omit<Revision, "revision" | "changes"> & KeptChanges;

/** As they are, or the SHA-256 of an asset with their JSON. */
type KeptChanges = { readonly changes: readonly Change[] } | { readonly changesIn: string };

/**
 * The resources that were applied over the API, with all that ever changed them: a log of revisions in a store. Any state
 * is made again from the log.
 */
export class Journal {
  readonly assets: AssetStore;
  readonly #store: Store;
  readonly #now: () => Date;
  #state = emptyState;
  #catchingUp: Promise<State> | undefined;
  /** Ends when the change that is being made has been made; changes are made one after another. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.assets = new AssetStore(store);
    this.#now = now;
  }

  /** @throws StoreUnavailableError */
  static async open(store: Store, now = (): Date => new Date()): Promise<Journal> {
    const journal = new Journal(store, now);
    await journal.state();
    return journal;
  }

  /** All that is in the store by now. @throws StoreUnavailableError */
  state(): Promise<State> {
    this.#catchingUp ??= this.#catchUp().finally(() => (this.#catchingUp = undefined));
    return this.#catchingUp;
  }

  /** The state after an earlier revision; undefined when there was none of this number. @throws StoreUnavailableError */
  async stateAt(revision: number): Promise<State | undefined> {
    const { revision: last } = await this.state();
    if (!Number.isInteger(revision) || revision < 0 || revision > last) return undefined;
    let state = emptyState;
    for (const { version, data } of await this.#store.read(STREAM, 0, revision === 0 ? 1 : revision)) {
      if (version <= revision) state = applyRevision(state, await this.#revision(version, data));
    }
    return state;
  }

  /** The revisions after `after`, the oldest first. @throws StoreUnavailableError */
  async revisions(after = 0, limit?: number): Promise<readonly Revision[]> {
    const revisions: Revision[] = [];
    for (const { version, data } of await this.#store.read(STREAM, after, limit))
      revisions.push(await this.#revision(version, data));
    return revisions;
  }

  /** The last revisions that are wanted, the latest first, `limit` at most. @throws StoreUnavailableError */
  async latest(limit: number, isWanted: (revision: Revision) => boolean = () => true): Promise<readonly Revision[]> {
    const found: Revision[] = [];
    let { revision: end } = await this.state();
    while (end > 0 && found.length < limit) {
      const after = Math.max(0, end - PAGE);
      found.push(...[...(await this.revisions(after, end - after))].reverse().filter(isWanted));
      end = after;
    }
    return found.slice(0, limit);
  }

  /**
   * Makes a change: `decide` looks at the state and says what is to change, or throws. It is asked again when another
   * control plane on the same store has changed something meanwhile. Undefined when it wants no change.
   *
   * @throws StoreUnavailableError
   */
  change(signature: Signature, decide: (state: State) => Promise<readonly Change[]>): Promise<Revision | undefined> {
    const change = this.#changing.then(() => this.#change(signature, decide));
    this.#changing = change.catch(() => undefined);
    return change;
  }

  /** Tells of each revision that comes. */
  async watch(onChange: () => void): Promise<StopWatching> {
    const { revision } = await this.state();
    return this.#store.watch(STREAM, revision, onChange);
  }

  async #change(
    { author, message }: Signature,
    decide: (state: State) => Promise<readonly Change[]>,
  ): Promise<Revision | undefined> {
    for (let attempt = 1; ; attempt++) {
      const state = await this.state();
      const changes = await decide(state);
      if (changes.length === 0) return undefined;
      const record = { time: this.#now().toISOString(), author, message };
      try {
        const kept = { ...record, ...(await this.#keep(changes)) };
        const revision = await this.#store.append(STREAM, state.revision, [kept as unknown as Json]);
        await this.state();
        return { revision, ...record, changes };
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === TRIES) throw error;
        await sleep(attempt * 10);
      }
    }
  }

  async #catchUp(): Promise<State> {
    for (;;) {
      const events = await this.#store.read(STREAM, this.#state.revision, 500);
      if (events.length === 0) return this.#state;
      for (const { version, data } of events) {
        this.#state = applyRevision(this.#state, await this.#revision(version, data));
      }
    }
  }

  async #keep(changes: readonly Change[]): Promise<KeptChanges> {
    const bytes = Buffer.from(JSON.stringify(changes));
    if (bytes.length <= MAX_INLINE) return { changes };
    // Before the revision is there: one that a crash leaves without it is never seen.
    await this.assets.put(bytes);
    return { changesIn: AssetStore.hash(bytes) };
  }

  async #revision(version: number, data: Json): Promise<Revision> {
    const record = data as unknown as KeptRevision;
    if ("changes" in record) return { revision: version, ...record };
    const { changesIn, ...rest } = record;
    const bytes = await this.assets.get(changesIn);
    return { revision: version, ...rest, changes: JSON.parse(Buffer.from(bytes).toString()) as Change[] };
  }
}
