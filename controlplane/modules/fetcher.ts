import { createHash } from "node:crypto";
import { inspectModule } from "@meshwright/host";
import { credentialsFor, isLoopback, OciError, parseReference, pullModule, readBody, reasonOf } from "../oci/index.ts";
import { MemoryPins, type Pins } from "./pins.ts";
import type { ModuleStore } from "./store.ts";

/** Where a module is fetched from. What has another SHA-256 than the one that is given is refused. */
export type RemoteModule =
  { readonly url: string; readonly sha256: string } | { readonly image: string; readonly sha256?: string };

/** A module is not here (yet); the message says why. */
export class FetchError extends Error {
  override readonly name = "FetchError";
}

export interface ModuleFetcherOptions {
  /** What images were found to hold. Default: forgotten with the fetcher. */
  readonly pins?: Pins;
  /** Called when a module has come that a caller of `fetch` went without. */
  readonly onFetched?: () => void;
  /** How long `fetch` waits; a download goes on afterwards. Default: 10 s. */
  readonly patienceMs?: number;
  /** The pause after a first failure; it doubles up to 64 times that. Default: 2 s. */
  readonly retryMs?: number;
  /** Of a module, in bytes. Default: 64 MiB. */
  readonly limit?: number;
}

interface Download {
  /** Ends when the module is in the store, or with why it is not. */
  readonly result: Promise<Uint8Array>;
  /** Set once it failed, until it is tried again. */
  failure?: FetchError;
  retry?: NodeJS.Timeout;
  /** Somebody went without the module. */
  isMissed: boolean;
}

/**
 * Brings modules from web servers and registries into the store, once: what is in the store is never asked for again, so a server
 * that is gone, or that has other content under the same name by now, changes nothing.
 */
export class ModuleFetcher {
  readonly #store: ModuleStore;
  readonly #pins: Pins;
  readonly #options: Required<Omit<ModuleFetcherOptions, "pins">>;
  readonly #downloads = new Map<string, Download>();

  constructor(store: ModuleStore, options: ModuleFetcherOptions = {}) {
    this.#store = store;
    this.#pins = options.pins ?? new MemoryPins();
    const { onFetched = () => undefined, patienceMs = 10_000, retryMs = 2000, limit = 64 * 1024 * 1024 } = options;
    this.#options = { onFetched, patienceMs, retryMs, limit };
  }

  /** @throws FetchError while the module is not here. Then it is tried again, and `onFetched` says when it has come. */
  async fetch(module: RemoteModule): Promise<Uint8Array> {
    const kept = await this.#kept(module);
    if (kept !== undefined) return kept;
    const key = keyOf(module);
    const download = this.#downloads.get(key) ?? this.#start(module, 0, false);
    if (download.failure !== undefined) throw download.failure;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        download.isMissed = true;
        reject(new FetchError(`${placeOf(module)} is still being fetched`));
      }, this.#options.patienceMs);
    });
    try {
      return await Promise.race([download.result, patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tries nothing again that is not among these. */
  retain(modules: readonly RemoteModule[]): void {
    const keys = new Set(modules.map(keyOf));
    for (const [key, { retry }] of this.#downloads) {
      if (keys.has(key)) continue;
      clearTimeout(retry);
      this.#downloads.delete(key);
    }
  }

  close(): void {
    this.retain([]);
  }

  async #kept(module: RemoteModule): Promise<Uint8Array | undefined> {
    if ("url" in module) return this.#store.get(module.sha256);
    const pinned = await this.#pins.get(module.image);
    if (pinned === undefined) return undefined;
    const bytes = this.#store.get(pinned);
    if (bytes !== undefined) check(module, pinned);
    return bytes;
  }

  #start(module: RemoteModule, failures: number, isMissed: boolean): Download {
    const key = keyOf(module);
    const result = this.#download(module).catch((error: unknown) => {
      throw error instanceof FetchError ? error : new FetchError(`${placeOf(module)}: ${reasonOf(error)}`);
    });
    const download: Download = { result, isMissed };
    this.#downloads.set(key, download);
    result.then(
      () => {
        if (this.#downloads.get(key) !== download) return;
        this.#downloads.delete(key);
        if (download.isMissed) this.#options.onFetched();
      },
      (error: unknown) => {
        // It is a FetchError: see above.
        download.failure = error as FetchError;
        if (this.#downloads.get(key) !== download) return;
        const pause = this.#options.retryMs * 2 ** Math.min(failures, 6);
        download.retry = setTimeout(() => this.#start(module, failures + 1, true), pause).unref();
      },
    );
    return download;
  }

  async #download(module: RemoteModule): Promise<Uint8Array> {
    const bytes = await ("url" in module ? this.#get(module.url) : this.#pull(module.image));
    check(module, sha256Of(bytes));
    const inspection = inspectModule(bytes);
    if (!inspection.ok) {
      const reasons = inspection.problems.map(({ message }) => message).join("; ");
      throw new FetchError(`Envoy would refuse ${placeOf(module)}: ${reasons}`);
    }
    const { sha256 } = this.#store.put(bytes, publicPlace(placeOf(module)));
    if ("url" in module) return bytes;
    // Where another control plane was faster, and the tag has moved since, what that one found is what counts.
    const kept = await this.#pins.keep(module.image, sha256);
    if (kept === sha256) return bytes;
    throw new FetchError(
      `${module.image}: it holds ${sha256} by now; the module that it held at first, ${kept}, is gone`,
    );
  }

  async #pull(image: string): Promise<Uint8Array> {
    try {
      const reference = parseReference(image);
      const { bytes } = await pullModule(reference, credentialsFor(reference.registry), this.#options.limit);
      return bytes;
    } catch (error) {
      throw error instanceof OciError ? new FetchError(error.message) : error;
    }
  }

  async #get(url: string): Promise<Uint8Array> {
    const { protocol, host } = new URL(url);
    if (protocol !== "https:" && !isLoopback(host)) throw new FetchError(`${url}: expected HTTPS`);
    let answer: Response;
    try {
      answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    } catch (error) {
      throw new FetchError(`${url}: no answer: ${reasonOf(error)}`);
    }
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new FetchError(`${url}: the answer's status is ${String(answer.status)}, expected 200`);
    }
    return readBody(answer, this.#options.limit);
  }
}

function check(module: RemoteModule, found: string): void {
  if (module.sha256 === undefined || module.sha256 === found) return;
  throw new FetchError(`${placeOf(module)}: the module's SHA-256 is ${found}, expected ${module.sha256}`);
}

function placeOf(module: RemoteModule): string {
  return "url" in module ? module.url : module.image;
}

/** Where a module comes from, without what a URL may hold to be let in. */
export function publicPlace(place: string): string {
  if (!/^https?:/.test(place) || !URL.canParse(place)) return place;
  const url = new URL(place);
  url.username = url.password = url.search = url.hash = "";
  return url.href;
}

function keyOf(module: RemoteModule): string {
  return JSON.stringify(module);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
