import { Status } from "./abi/enums.ts";
import { toKey, toText, type Bytes, toBytes } from "./bytes.ts";

interface Item {
  readonly value: Uint8Array;
  readonly cas: number;
}

/**
 * Shared data of one Envoy process: a store for each `vm_id`, common to all workers. Give several hosts the same
 * SharedData to make them workers of one process.
 */
export class SharedData {
  readonly #stores = new Map<string, Map<string, Item>>();
  readonly #users = new Map<string, number>();
  #lastCas = 0;

  /** The value of a key and its compare-and-swap number. */
  get(vmId: string, key: Bytes): Item | undefined {
    return this.#stores.get(vmId)?.get(toKey(key));
  }

  /** The value of a key read as UTF-8. */
  getText(vmId: string, key: Bytes): string | undefined {
    const item = this.get(vmId, key);
    return item && toText(item.value);
  }

  /** Sets a key. A `cas` that is not 0 must be the one of the key's value; on a key that is not there it is not looked at. */
  set(vmId: string, key: Bytes, value: Bytes, cas = 0): Status {
    const name = toKey(key);
    let store = this.#stores.get(vmId);
    if (store === undefined) {
      store = new Map<string, Item>();
      this.#stores.set(vmId, store);
    }
    const before = store.get(name);
    if (before !== undefined && cas !== 0 && cas !== before.cas) return Status.CasMismatch;
    store.set(name, { value: toBytes(value), cas: this.#nextCas() });
    return Status.Ok;
  }

  /** Every key of a store, read as UTF-8. The ABI does not offer this to a module. */
  keys(vmId: string): string[] {
    return [...(this.#stores.get(vmId)?.keys() ?? [])].map((key) => toText(Buffer.from(key, "latin1")));
  }

  /** Counts a host that uses the store of `vmId`. */
  retain(vmId: string): void {
    this.#users.set(vmId, (this.#users.get(vmId) ?? 0) + 1);
  }

  /** The last host of a `vmId` takes the store with it. */
  release(vmId: string): void {
    const users = (this.#users.get(vmId) ?? 0) - 1;
    if (users > 0) {
      this.#users.set(vmId, users);
    } else {
      this.#users.delete(vmId);
      this.#stores.delete(vmId);
    }
  }

  #nextCas(): number {
    this.#lastCas = this.#lastCas === 0xffff_ffff ? 1 : this.#lastCas + 1;
    return this.#lastCas;
  }
}
