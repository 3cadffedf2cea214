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
  /** All that is kept. */
  list(): Promise<readonly Pin[]>;
  /** Forgets what a reference meant. @returns whether it was kept. */
  remove(reference: string): Promise<boolean>;
}

/** A reference and the SHA-256 of the module that it means. The reference is absent where an earlier version of this program kept it. */
export interface Pin {
  readonly reference?: string;
  readonly sha256: string;
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

  list(): Promise<readonly Pin[]> {
    return Promise.resolve([...this.#pins].map(([reference, sha256]) => ({ reference, sha256 })));
  }

  remove(reference: string): Promise<boolean> {
    return Promise.resolve(this.#pins.delete(reference));
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
      await this.#name(reference);
      await this.#store.writeBlob(nameOf(reference), Buffer.from(sha256), undefined);
      return sha256;
    } catch (error) {
      const kept = error instanceof ConflictError ? await this.get(reference) : undefined;
      if (kept === undefined) throw error;
      return kept;
    }
  }

  async list(): Promise<readonly Pin[]> {
    const pins: Pin[] = [];
    for (const name of await this.#store.blobs(PINS)) {
      const pinned = await this.#store.readBlob(name);
      if (pinned === undefined) continue;
      const reference = await this.#store.readBlob(NAMES + name.slice(PINS.length));
      const sha256 = Buffer.from(pinned.value).toString();
      pins.push({ sha256, ...(reference && { reference: Buffer.from(reference.value).toString() }) });
    }
    return pins;
  }

  async remove(reference: string): Promise<boolean> {
    const name = nameOf(reference);
    const pinned = await this.#store.readBlob(name);
    if (pinned === undefined) return false;
    await this.#store.deleteBlob(name, pinned.version);
    return true;
  }

  /** References have letters that names of values have not, so what a pin is for is kept beside it. */
  async #name(reference: string): Promise<void> {
    try {
      await this.#store.writeBlob(NAMES + hashOf(reference), Buffer.from(reference), undefined);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

const PINS = "pins/";
const NAMES = "pin-names/";

function nameOf(reference: string): string {
  return PINS + hashOf(reference);
}

function hashOf(reference: string): string {
  return createHash("sha256").update(reference).digest("hex");
}
