import { activeRun, applyRecord, type RecordEvent, replayRecord, type RolloutRecord } from "./record.ts";
import type { RolloutStore } from "./store.ts";
import type { Version } from "./version.ts";

/** Rollouts with their past, as they are in the store. An event counts once it is kept. */
export class Records {
  readonly #store: RolloutStore;
  readonly #records = new Map<string, RolloutRecord>();

  private constructor(store: RolloutStore) {
    this.#store = store;
  }

  /** Reads what is kept of earlier runs. */
  static async open(store: RolloutStore): Promise<Records> {
    const records = new Records(store);
    for (const name of await store.rollouts()) {
      const record = replayRecord(name, await store.read(name));
      if (record !== undefined) records.#records.set(name, record);
    }
    return records;
  }

  /** Runs that baked bake anew, since what was measured is lost. */
  async restartBakes(now: number, because: string): Promise<void> {
    for (const [name, record] of this.#records) {
      const run = activeRun(record);
      if (run?.settledAt === undefined || run.phase === "RollingBack") continue;
      await this.append(name, [{ type: "BakeRestarted", at: now, because }]);
    }
  }

  get(rollout: string): RolloutRecord | undefined {
    return this.#records.get(rollout);
  }

  /** By name. */
  get all(): readonly RolloutRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.rollout < b.rollout ? -1 : 1));
  }

  /** All that ever happened to a Rollout, the first first. */
  log(rollout: string): Promise<readonly RecordEvent[]> {
    return this.#store.read(rollout);
  }

  /**
   * Keeps events, and gives the record after them.
   * @throws Error when they could not be kept, or another control plane was faster. They may have been kept all the same where the store did not
   * answer: see {@link unread}.
   */
  async append(rollout: string, events: readonly RecordEvent[]): Promise<RolloutRecord> {
    const before = this.#records.get(rollout);
    let after = before;
    for (const event of events) after = applyRecord(rollout, after, event);
    if (after === undefined) throw new Error("no event to append");
    const isKept = await this.#store.append(rollout, before?.length ?? 0, events);
    if (!isKept) throw new Error(`another control plane changed Rollout ${rollout}`);
    this.#records.set(rollout, after);
    return after;
  }

  /** The names of all that have a log. */
  names(): Promise<readonly string[]> {
    return this.#store.rollouts();
  }

  /** What is in the store, and not in the record yet. */
  unread(rollout: string): Promise<readonly RecordEvent[]> {
    return this.#store.read(rollout, this.#records.get(rollout)?.length ?? 0);
  }

  /** Takes over what is in the store. */
  take(rollout: string, events: readonly RecordEvent[]): RolloutRecord | undefined {
    let record = this.#records.get(rollout);
    for (const event of events) record = applyRecord(rollout, record, event);
    if (record !== undefined) this.#records.set(rollout, record);
    return record;
  }

  keepVersion(version: Version): Promise<void> {
    return this.#store.keepVersion(version);
  }

  /** Undefined when it is lost. */
  findVersion(id: string): Promise<Version | undefined> {
    return this.#store.version(id);
  }

  /** @throws Error when it is lost. */
  async version(id: string): Promise<Version> {
    const version = await this.findVersion(id);
    if (version === undefined) throw new Error(`the version ${id} of a Rollout is not in the store any more`);
    return version;
  }
}
