import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Catalog } from "./catalog.ts";

/** A module in the store. Its address is its content. */
export interface StoredModule {
  /** SHA-256 of the bytes, in lower-case hex: what Envoy checks them against. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

const NAME = /^([0-9a-f]{64})\.wasm$/;
/** What a crash leaves of a file that was being written. */
const SCRATCH = /^([0-9a-f]{64}\.wasm|modules\.json)\.\d+$/;

/**
 * Wasm modules by their SHA-256, in a folder. What is in the store never changes, so a sidecar can fetch a module for as
 * long as anything refers to it, whatever has happened to the file that it came from. A `Collector` removes what nothing refers to.
 */
export class ModuleStore {
  /** Where modules came from, and how long nothing has referred to them. */
  readonly catalog: Catalog;
  readonly #folder: string;
  readonly #bytes = new Map<string, Uint8Array>();
  #asked = new Set<string>();

  /** @param folder made when it is missing. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    for (const name of readdirSync(folder)) {
      if (SCRATCH.test(name) && !name.endsWith(`.${String(process.pid)}`)) rmSync(join(folder, name), { force: true });
    }
    this.catalog = new Catalog(join(folder, "modules.json"));
  }

  /**
   * Keeps a module. The same bytes are kept once.
   * @param from where it came from, for people.
   */
  put(bytes: Uint8Array, from?: string): StoredModule {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    // Also where a damaged file has its name.
    if (this.get(sha256) === undefined) {
      const file = this.#file(sha256);
      // Written aside and renamed: a crash leaves no half module under a good name.
      const scratch = `${file}.${String(process.pid)}`;
      writeFileSync(scratch, bytes);
      renameSync(scratch, file);
      this.#bytes.set(sha256, bytes);
    }
    if (from !== undefined) this.catalog.cameFrom(sha256, from);
    return { sha256, size: bytes.length };
  }

  /** The bytes of a module, or undefined when it is not in the store or its file was damaged. */
  get(sha256: string): Uint8Array | undefined {
    this.#asked.add(sha256);
    const known = this.#bytes.get(sha256);
    if (known !== undefined) return known;
    if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    const bytes = readIfThere(this.#file(sha256));
    if (bytes === undefined || createHash("sha256").update(bytes).digest("hex") !== sha256) return undefined;
    this.#bytes.set(sha256, bytes);
    return bytes;
  }

  /** All that is in the folder, by hash. Reads no bytes. */
  list(): StoredModule[] {
    return readdirSync(this.#folder)
      .flatMap((name): StoredModule[] => {
        const sha256 = NAME.exec(name)?.[1];
        const size =
          sha256 === undefined ? undefined : statSync(join(this.#folder, name), { throwIfNoEntry: false })?.size;
        return sha256 === undefined || size === undefined ? [] : [{ sha256, size }];
      })
      .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
  }

  /** Removes a module. Whether nothing needs it is for the caller to know. */
  remove(sha256: string): void {
    rmSync(this.#file(sha256), { force: true });
    this.#bytes.delete(sha256);
  }

  /** The modules that were kept or asked for since {@link takeAsked}: somebody may be about to refer to them. */
  get asked(): ReadonlySet<string> {
    return this.#asked;
  }

  /** The same; they are forgotten then. */
  takeAsked(): ReadonlySet<string> {
    const asked = this.#asked;
    this.#asked = new Set();
    return asked;
  }

  #file(sha256: string): string {
    return join(this.#folder, `${sha256}.wasm`);
  }
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
