import { gunzipSync, gzipSync } from "node:zlib";
import { ConflictError, type Json, type Store } from "../store/index.ts";
import type { RecordEvent } from "./record.ts";
import type { RolloutStore } from "./store.ts";
import type { Version } from "./version.ts";

const LOGS = "rollouts/";
const VERSIONS = "rollout-versions/";

/** Keeps Rollouts in a store that survives this process: a stream for each log, and a named value for each version. */
export class DurableRolloutStore implements RolloutStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async rollouts(): Promise<readonly string[]> {
    return (await this.#store.streams(LOGS)).map((stream) => stream.slice(LOGS.length));
  }

  async read(rollout: string): Promise<readonly RecordEvent[]> {
    return (await this.#store.read(LOGS + rollout)).map(({ data }) => data as unknown as RecordEvent);
  }

  async append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean> {
    try {
      await this.#store.append(LOGS + rollout, expected, events as unknown as readonly Json[]);
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }

  async version(id: string): Promise<Version | undefined> {
    const blob = await this.#store.readBlob(VERSIONS + id);
    return blob && (JSON.parse(gunzipSync(blob.value).toString("utf8")) as Version);
  }

  /** A version is its content, so it is written once. */
  async keepVersion(version: Version): Promise<void> {
    const name = VERSIONS + version.id;
    if ((await this.#store.readBlob(name)) !== undefined) return;
    try {
      await this.#store.writeBlob(name, gzipSync(JSON.stringify(version)), undefined);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
