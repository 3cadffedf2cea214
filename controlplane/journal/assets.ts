import { createHash } from "node:crypto";
import { ConflictError, MAX_BLOB, type Store } from "../store/index.ts";

/** Files that resources name, by their SHA-256, in parts that a store takes. */
export class AssetStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  static hash(bytes: Uint8Array): string {
    return createHash("sha256").update(bytes).digest("hex");
  }

  /** Keeps a file for good. What is there already is not written again. */
  async put(bytes: Uint8Array): Promise<void> {
    const sha256 = AssetStore.hash(bytes);
    const parts = Math.max(1, Math.ceil(bytes.length / MAX_BLOB));
    for (let part = 0; part < parts; part++) {
      const name = `assets/${sha256}/${part}`;
      const value = bytes.subarray(part * MAX_BLOB, (part + 1) * MAX_BLOB);
      try {
        await this.#store.writeBlob(name, value, undefined);
      } catch (error) {
        // Another has written the same bytes.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  /** @throws Error when it is not there, or not whole. */
  async get(sha256: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const part = await this.#store.readBlob(`assets/${sha256}/${parts.length}`);
      if (part === undefined) break;
      parts.push(part.value);
      if (part.value.length < MAX_BLOB) break;
    }
    const bytes = Buffer.concat(parts);
    if (AssetStore.hash(bytes) !== sha256) throw new Error("it is not in the store");
    return bytes;
  }
}
