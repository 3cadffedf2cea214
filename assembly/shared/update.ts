// Changes of shared data that no other worker's change can get lost by.

import { Status } from "../abi/enums";
import { Bytes } from "../bytes";
import { CREATE, getSharedData, setSharedData } from "./data";

/** How `updateSharedData` ended. */
export enum SharedUpdateResult {
  /** The value is what `update` gave. */
  Written,
  /** `update` gave null: nothing was written. */
  Unchanged,
  /** Other workers were faster at every attempt; nothing was written. */
  Contended,
  /** The host refused. */
  HostError,
}

/** A change of a value, as an object, since there are no closures: what it needs and what it finds are its fields. */
export abstract class SharedUpdate {
  /**
   * The new value for the current one, or null to leave it. Called again when another worker was faster.
   * @param current Null when the key is absent.
   */
  abstract update(current: Bytes | null): Bytes | null;
}

/**
 * Reads a key, changes it and sets it again, until no other worker came between: compare-and-set. That holds for the creation of an
 * absent key too.
 * @param attempts How often to try. Whenever an attempt fails, another worker's has succeeded; workers that do nothing else can
 *   come in step, so that one loses a hundred times in a row.
 */
export function updateSharedData(key: Bytes, update: SharedUpdate, attempts: i32 = 1000): SharedUpdateResult {
  for (let i = 0; i < attempts; ++i) {
    const current = getSharedData(key);
    const cas = current === null ? CREATE : current.cas;
    const value = update.update(current === null ? null : current.bytes);
    if (value === null) return SharedUpdateResult.Unchanged;
    const status = setSharedData(key, value, cas);
    if (status == Status.Ok) return SharedUpdateResult.Written;
    if (status != Status.CasMismatch) return SharedUpdateResult.HostError;
  }
  return SharedUpdateResult.Contended;
}
