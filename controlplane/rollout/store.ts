import { EventEmitter } from "node:events";
import type { StopWatching } from "../store/index.ts";
import type { RecordEvent } from "./record.ts";
import type { Version } from "./version.ts";

/** Keeps Rollouts: the log of each, and the versions that their runs are about. What a promise says is kept is durable then. */
export interface RolloutStore {
  /** The names of the Rollouts that have a log. */
  rollouts(): Promise<readonly string[]>;
  /** The log of a Rollout after its first so many events; empty for one that has none. */
  read(rollout: string, after?: number): Promise<readonly RecordEvent[]>;
  /**
   * Adds events to a log, all or none.
   * @param expected how many events the log is to have before.
   * @returns whether it had; else nothing was added, because somebody else was faster, or leads by now.
   */
  append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean>;
  /** Tells of each Rollout whose log may have grown, or of none by name when it may be any of them. */
  watch(onChange: (rollout?: string) => void): Promise<StopWatching>;
  version(id: string): Promise<Version | undefined>;
  keepVersion(version: Version): Promise<void>;
}

/** Keeps Rollouts as long as this process runs. */
export class MemoryRolloutStore implements RolloutStore {
  readonly #logs = new Map<string, readonly RecordEvent[]>();
  readonly #versions = new Map<string, Version>();
  readonly #changes = new EventEmitter<{ changed: [rollout: string] }>();

  rollouts(): Promise<readonly string[]> {
    return Promise.resolve([...this.#logs.keys()]);
  }

  read(rollout: string, after = 0): Promise<readonly RecordEvent[]> {
    return Promise.resolve((this.#logs.get(rollout) ?? []).slice(after));
  }

  append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean> {
    const log = this.#logs.get(rollout) ?? [];
    if (log.length !== expected) return Promise.resolve(false);
    this.#logs.set(rollout, [...log, ...events]);
    this.#changes.emit("changed", rollout);
    return Promise.resolve(true);
  }

  watch(onChange: (rollout?: string) => void): Promise<StopWatching> {
    this.#changes.on("changed", onChange);
    return Promise.resolve(() => {
      this.#changes.off("changed", onChange);
      return Promise.resolve();
    });
  }

  version(id: string): Promise<Version | undefined> {
    return Promise.resolve(this.#versions.get(id));
  }

  keepVersion(version: Version): Promise<void> {
    this.#versions.set(version.id, version);
    return Promise.resolve();
  }
}
