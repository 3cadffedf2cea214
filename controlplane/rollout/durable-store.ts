import { gunzipSync, gzipSync } from "node:zlib";
import { ConflictError, DeposedError, type Json, type StopWatching, type Store, type Term } from "../store/index.ts";
import type { RecordEvent } from "./record.ts";
import type { RolloutStore } from "./store.ts";
import type { Version } from "./version.ts";

const LOGS = "rollouts/";
const VERSIONS = "rollout-versions/";

/** Where several control planes share the store. */
export interface SharedStoreOptions {
  /** The term in which this one leads: it writes to logs in that alone. Undefined when it does not lead. */
  readonly term: () => Term | undefined;
  /** Keeps the bytes of a module where the others find them. */
  readonly shareModule: (sha256: string) => Promise<void>;
}

/** Keeps Rollouts in a store that survives this process: a stream for each log, and a named value for each version. */
export class DurableRolloutStore implements RolloutStore {
  readonly #store: Store;
  readonly #shared: SharedStoreOptions | undefined;

  /** @param shared left out where this process alone writes to the store. */
  constructor(store: Store, shared?: SharedStoreOptions) {
    this.#store = store;
    this.#shared = shared;
  }

  async rollouts(): Promise<readonly string[]> {
    return (await this.#store.streams(LOGS)).map((stream) => stream.slice(LOGS.length));
  }

  async read(rollout: string, after = 0): Promise<readonly RecordEvent[]> {
    return (await this.#store.read(LOGS + rollout, after)).map(({ data }) => data as unknown as RecordEvent);
  }

  async append(rollout: string, expected: number, events: readonly RecordEvent[]): Promise<boolean> {
    const term = this.#shared?.term();
    if (this.#shared !== undefined && term === undefined) return false;
    try {
      await this.#store.append(LOGS + rollout, expected, events as unknown as readonly Json[], term);
      return true;
    } catch (error) {
      if (error instanceof ConflictError || error instanceof DeposedError) return false;
      throw error;
    }
  }

  watch(onChange: (rollout?: string) => void): Promise<StopWatching> {
    return this.#store.watchStreams(LOGS, (stream) => onChange(stream?.slice(LOGS.length)));
  }

  async version(id: string): Promise<Version | undefined> {
    const blob = await this.#store.readBlob(VERSIONS + id);
    return blob && (JSON.parse(gunzipSync(blob.value).toString("utf8")) as Version);
  }

  /** A version is its content, so it is written once. */
  async keepVersion(version: Version): Promise<void> {
    const name = VERSIONS + version.id;
    if ((await this.#store.readBlob(name)) !== undefined) return;
    for (const { module } of version.resources) if (module !== undefined) await this.#shared?.shareModule(module);
    try {
      await this.#store.writeBlob(name, gzipSync(JSON.stringify(version)), undefined);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
