import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A module in the store. Its address is its content. */
export interface StoredModule {
  /** SHA-256 of the bytes, in lower-case hex: what Envoy checks them against. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

/**
 * Wasm modules by their SHA-256, in a folder. What is in the store never changes, so a sidecar can fetch a module for as
 * long as anything refers to it, whatever has happened to the file that it came from.
 */
export class ModuleStore {
  readonly #folder: string;
  readonly #bytes = new Map<string, Uint8Array>();

  /** @param folder made when it is missing. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** Keeps a module. The same bytes are kept once. */
  put(bytes: Uint8Array): StoredModule {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (this.#bytes.has(sha256)) return { sha256, size: bytes.length };
    const file = this.#file(sha256);
    if (!existsSync(file)) {
      // Written aside and renamed: a crash leaves no half module under a good name.
      const scratch = `${file}.${String(process.pid)}`;
      writeFileSync(scratch, bytes);
      renameSync(scratch, file);
    }
    this.#bytes.set(sha256, bytes);
    return { sha256, size: bytes.length };
  }

  /** The bytes of a module, or undefined when it is not in the store or its file was damaged. */
  get(sha256: string): Uint8Array | undefined {
    const known = this.#bytes.get(sha256);
    if (known !== undefined) return known;
    if (!/^[0-9a-f]{64}$/.test(sha256) || !existsSync(this.#file(sha256))) return undefined;
    const bytes = readFileSync(this.#file(sha256));
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) return undefined;
    this.#bytes.set(sha256, bytes);
    return bytes;
  }

  #file(sha256: string): string {
    return join(this.#folder, `${sha256}.wasm`);
  }
}
