import type { Materials } from "../certificates/index.ts";
import { apiVersions, parseResources, resourcesOf, type Model, type Resource } from "../model/index.ts";
import { ConflictError, LargeText, type BlobVersion, type Store } from "../store/index.ts";

/** What was served when all of it was good: resources, their modules by WasmModule, and what the files of Certificates held. */
export interface LastGood<Module> {
  readonly resources: readonly Resource[];
  readonly modules: ReadonlyMap<string, Module>;
  /** Not kept in a store, since there are private keys in it. */
  readonly certificates: Materials;
}

interface Kept {
  readonly kind: Resource["kind"];
  readonly metadata: Resource["metadata"];
  readonly spec: unknown;
  /** Where it was written, for people. */
  readonly file: string;
  /** SHA-256 of a WasmModule. */
  readonly module?: string;
}

const NAME = "last-good";

/** Many resources take long to write, so while changes follow one another that is done in a 50th of the time at most. */
const MAX_SHARE = 50;

/** The last good version of all resources, as a value in a store: a start on a faulty source goes on from there. */
export class LastGoodStore {
  readonly #value: LargeText;
  readonly #delayMs: number;
  readonly #onError: (error: Error) => void;
  #version: BlobVersion | undefined;
  #tookMs = 0;
  #next: (() => readonly Kept[]) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param delayMs how long to wait for more changes before writing, at least, in milliseconds.
   * @param onError hears why it could not be written; what was written before stays.
   */
  constructor(store: Store, onError: (error: Error) => void, delayMs = 1_000) {
    this.#value = new LargeText(store, NAME);
    this.#onError = onError;
    this.#delayMs = delayMs;
  }

  /**
   * What was kept. A resource that this version of the program finds faulty by itself, or whose module is no more, was never there.
   *
   * @param findModule finds a module by its SHA-256.
   */
  async read<Module>(findModule: (sha256: string) => Module | undefined): Promise<LastGood<Module>> {
    const value = await this.#value.read();
    if (value === undefined) return { resources: [], modules: new Map(), certificates: new Map() };
    this.#version = value.version;
    const kept = JSON.parse(value.text) as readonly Kept[];
    const modules = new Map<string, Module>();
    const resources = kept.flatMap(({ kind, metadata, spec, file, module }) => {
      const found = module === undefined ? undefined : findModule(module);
      if (kind === "WasmModule" && found === undefined) return [];
      if (found !== undefined) modules.set(metadata.name, found);
      const text = JSON.stringify({ apiVersion: apiVersions[kind], kind, metadata, spec });
      return parseResources([{ path: `${file} (as it was last good)`, text }]).resources;
    });
    return { resources, modules, certificates: new Map() };
  }

  /** Keeps what is good now, after a while. */
  keep(model: Model, modules: ReadonlyMap<string, { readonly sha256: string }>): void {
    this.#next = () =>
      resourcesOf(model).map(({ kind, metadata, spec, origin }) => {
        const module = kind === "WasmModule" ? modules.get(metadata.name)?.sha256 : undefined;
        return { kind, metadata, spec, file: origin.file, ...(module === undefined ? {} : { module }) };
      });
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(this.#delayMs, MAX_SHARE * this.#tookMs));
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      const next = this.#next;
      this.#next = undefined;
      if (next === undefined) return;
      const began = performance.now();
      await this.#write(JSON.stringify(next())).catch((error: unknown) => this.#onError(error as Error));
      this.#tookMs = performance.now() - began;
    });
  }

  async #write(text: string): Promise<void> {
    try {
      this.#version = await this.#value.write(text, this.#version);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      // Another control plane on the same store wrote it, or one before this: what is good now is the latest.
      const there = await this.#value.read();
      this.#version = await this.#value.write(text, there?.version);
    }
  }
}
