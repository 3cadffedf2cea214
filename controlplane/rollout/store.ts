import type { RecordEvent } from "./record.ts";
import type { Version } from "./version.ts";

/** Keeps Rollouts: the log of each, and the versions that their runs are about. What a promise says is kept is durable then. */
export interface RolloutStore {
  /** The names of the Rollouts that have a log. */
  rollouts(): Promise<readonly string[]>;
  /** The log of a Rollout; empty for one that has none. */
  read(rollout: string): Promise<readonly RecordEvent[]>;
  /**
   * Adds events to a log, all or none.
   * @param expected how many events the log is to have before.
   * @returns whether it had; else nothing was added, because somebody else was faster.
   */
  append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean>;
  version(id: string): Promise<Version | undefined>;
  keepVersion(version: Version): Promise<void>;
}

/** Keeps Rollouts as long as this process runs. */
export class MemoryRolloutStore implements RolloutStore {
  readonly #logs = new Map<string, readonly RecordEvent[]>();
  readonly #versions = new Map<string, Version>();

  rollouts(): Promise<readonly string[]> {
    return Promise.resolve([...this.#logs.keys()]);
  }

  read(rollout: string): Promise<readonly RecordEvent[]> {
    return Promise.resolve(this.#logs.get(rollout) ?? []);
  }

  append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean> {
    const log = this.#logs.get(rollout) ?? [];
    if (log.length !== expected) return Promise.resolve(false);
    this.#logs.set(rollout, [...log, ...events]);
    return Promise.resolve(true);
  }

  version(id: string): Promise<Version | undefined> {
    return Promise.resolve(this.#versions.get(id));
  }

  keepVersion(version: Version): Promise<void> {
    this.#versions.set(version.id, version);
    return Promise.resolve();
  }
}
