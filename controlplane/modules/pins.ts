import { createHash } from "node:crypto";
import { ConflictError, type Store } from "../store/index.ts";

/**
 * Which module an image was found to hold, by its reference. A tag means for good what it meant when it was first read: what sidecars
 * run is changed by the one who writes the resources, not by the one who moves a tag.
 */
export interface Pins {
  /** The SHA-256 of the module. */
  get(reference: string): Promise<string | undefined>;
  /** Keeps it unless something is kept already, and gives what is kept. */
  keep(reference: string, sha256: string): Promise<string>;
}

/** Pins for as long as the process lives. */
export class MemoryPins implements Pins {
  readonly #pins = new Map<string, string>();

  get(reference: string): Promise<string | undefined> {
    return Promise.resolve(this.#pins.get(reference));
  }

  keep(reference: string, sha256: string): Promise<string> {
    const kept = this.#pins.get(reference) ?? sha256;
    this.#pins.set(reference, kept);
    return Promise.resolve(kept);
  }
}

/** Pins that outlive the process, and are the same for all control planes on one store. */
export class StoredPins implements Pins {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(reference: string): Promise<string | undefined> {
    const blob = await this.#store.readBlob(nameOf(reference));
    return blob && Buffer.from(blob.value).toString();
  }

  async keep(reference: string, sha256: string): Promise<string> {
    try {
      await this.#store.writeBlob(nameOf(reference), Buffer.from(sha256), undefined);
      return sha256;
    } catch (error) {
      const kept = error instanceof ConflictError ? await this.get(reference) : undefined;
      if (kept === undefined) throw error;
      return kept;
    }
  }
}

/** References have letters that names have not. */
function nameOf(reference: string): string {
  return `pins/${createHash("sha256").update(reference).digest("hex")}`;
}
