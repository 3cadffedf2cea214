import type { StopWatching, Term } from "../store/index.ts";
import type { ModuleRef } from "../translate/index.ts";
import type { CommandResult } from "./commands.ts";
import { ALONE, type Peers } from "./peers.ts";
import { Records } from "./records.ts";
import type { Replication } from "./replication.ts";
import type { Asked } from "./requests.ts";
import type { Serving } from "./serving.ts";
import { refuse } from "./steering.ts";
import type { RolloutStore } from "./store.ts";

/** What the controller does where it is one of several. */
export interface FollowingActions<Module extends ModuleRef> {
  readonly serving: Serving<Module>;
  readonly now: () => number;
  /** It leads from now on. */
  readonly startLeading: () => void;
  /** Does what another was asked for. */
  readonly steer: (rollout: string, command: Asked, by: string) => Promise<CommandResult>;
}

/** Follows what other control planes on the same store write, and leads them where it is elected. One that is alone leads always. */
export class Following {
  readonly records: Records;
  readonly #replication: Replication | undefined;
  /** The Rollouts of which others may have written something; undefined stands for all. */
  readonly #stale: Set<string | undefined>;
  readonly #stopWatching: StopWatching | undefined;
  #term: Term | undefined;

  private constructor(
    records: Records,
    replication: Replication | undefined,
    stale: Set<string | undefined>,
    stopWatching: StopWatching | undefined,
  ) {
    this.records = records;
    this.#replication = replication;
    this.#stale = stale;
    this.#stopWatching = stopWatching;
  }

  /** Reads what is kept. @param wake is called when there may be something to {@link step} for. */
  static async open(store: RolloutStore, replication: Replication | undefined, wake: () => void): Promise<Following> {
    const stale = new Set<string | undefined>();
    // Watched before they are read, so that nothing in between is missed.
    const changed = (rollout?: string): void => {
      stale.add(rollout);
      wake();
    };
    const stop = replication && (await store.watch(changed));
    return new Following(await Records.open(store), replication, stale, stop);
  }

  get leads(): boolean {
    return this.#replication === undefined || (this.#term !== undefined && this.#replication.term === this.#term);
  }

  get peers(): Peers {
    return this.#replication?.peers ?? ALONE;
  }

  /**
   * Takes over what others have written, leads where it is elected, and does then what others were asked for.
   * @returns whether what is written, or who leads, is another than before.
   */
  async step<Module extends ModuleRef>(actions: FollowingActions<Module>): Promise<boolean> {
    const replication = this.#replication;
    if (replication === undefined) return false;
    let hasChanged = await this.#follow(actions.serving);
    const { term } = replication;
    if (term !== this.#term) {
      this.#term = undefined;
      if (term !== undefined) await this.#lead(term, actions);
      hasChanged = true;
    }
    for (const request of replication.requests.waiting) {
      if (!this.leads || this.#term === undefined) break;
      const { rollout, command, by } = request;
      const result = await actions
        .steer(rollout, command, by)
        .catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)));
      await replication.requests.answer(request, result, this.#term);
    }
    return hasChanged;
  }

  async close(): Promise<void> {
    await this.#replication?.leave();
    await this.#stopWatching?.();
  }

  async #follow<Module extends ModuleRef>(serving: Serving<Module>): Promise<boolean> {
    let hasChanged = false;
    while (this.#stale.size > 0) {
      const taken = [...this.#stale];
      const names = taken.includes(undefined) ? await this.records.names() : taken;
      for (const name of names) if (name !== undefined && (await serving.follow(name))) hasChanged = true;
      // What could not be read stays, for the next time.
      for (const name of taken) this.#stale.delete(name);
    }
    return hasChanged;
  }

  /** Leads from now on, by all that was written so far: who led before can write nothing any more. */
  async #lead<Module extends ModuleRef>(
    term: Term,
    { serving, now, startLeading }: FollowingActions<Module>,
  ): Promise<void> {
    this.#stale.add(undefined);
    await this.#follow(serving);
    this.#term = term;
    startLeading();
    await this.records.restartBakes(now(), "another control plane leads");
    await serving.undoSuperseded();
  }
}
