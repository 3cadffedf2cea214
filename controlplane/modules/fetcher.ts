import { createHash } from "node:crypto";
import { inspectModule } from "@meshwright/host";
import {
  credentialsFor,
  isLoopback,
  OciError,
  parseReference,
  pullModule,
  pullSignatures,
  readBody,
  reasonOf,
  type Credentials,
  type PulledModule,
  type Reference,
  type SignedPayload,
} from "../oci/index.ts";
import { Downloads, FetchError } from "./downloads.ts";
import { MemoryPins, type Pins } from "./pins.ts";
import type { ModuleStore } from "./store.ts";

/** Where a module is fetched from. What has another SHA-256 than the one that is given is refused. */
export type RemoteModule =
  | { readonly url: string; readonly sha256: string }
  | {
      /** As {@link imageName} gives it. */
      readonly image: string;
      readonly sha256?: string;
    };

/**
 * An image by its reference, and the Secrets with which it is pulled. Who names others, or none, gets to a private image only if these let
 * them in: so what was found for one is not there for the other.
 */
export function imageName(image: string, secrets: readonly { readonly name: string }[] = []): string {
  return secrets.length === 0 ? image : `${image}${WITH}${secrets.map(({ name }) => name).join(",")}`;
}

const WITH = " with ";

function partsOf(name: string): { readonly reference: Reference; readonly secrets: readonly string[] } {
  const [image = "", secrets] = name.split(WITH);
  return { reference: parseReference(image), secrets: secrets?.split(",") ?? [] };
}

/** The signatures of an image, of which none is verified yet. */
export interface ImageSignatures {
  /** Of the manifest, and of the index that it was found by. */
  readonly digests: readonly string[];
  readonly signatures: readonly SignedPayload[];
}

const TEXT_LIMIT = 64 * 1024;

export interface ModuleFetcherOptions {
  /** What images were found to hold. Default: forgotten with the fetcher. */
  readonly pins?: Pins;
  /** Called when a module has come that a caller of `fetch` went without. */
  readonly onFetched?: () => void;
  /** How long `fetch` waits; a download goes on afterwards. Default: 10 s. */
  readonly patienceMs?: number;
  /** The pause after a first failure; it doubles up to 64 times that. Default: 2 s. */
  readonly retryMs?: number;
  /** What Secrets have for a registry, for the images that name some. */
  readonly credentials?: (registry: string, secrets: readonly string[]) => Promise<Credentials | undefined>;
  /** Of a module, in bytes. Default: 64 MiB. */
  readonly limit?: number;
}

/**
 * Brings modules from web servers and registries into the store, once: what is in the store is never asked for again, so a server
 * that is gone, or that has other content under the same name by now, changes nothing.
 */
export class ModuleFetcher {
  readonly #store: ModuleStore;
  readonly #pins: Pins;
  readonly #limit: number;
  readonly #credentials: NonNullable<ModuleFetcherOptions["credentials"]>;
  /** The modules of images that are not pinned yet. */
  readonly #found = new Map<string, string>();
  /** Of modules, and of what belongs to them. */
  readonly downloads: Downloads;

  constructor(store: ModuleStore, options: ModuleFetcherOptions = {}) {
    this.#store = store;
    this.#pins = options.pins ?? new MemoryPins();
    this.#credentials =
      options.credentials ?? (() => Promise.reject(new FetchError("there is no cluster with imagePullSecrets")));
    this.#limit = options.limit ?? 64 * 1024 * 1024;
    const { onFetched = () => undefined, patienceMs = 10_000, retryMs = 2000 } = options;
    this.downloads = new Downloads({ onFetched, patienceMs, retryMs });
  }

  /** @throws FetchError while the module is not here. Then it is tried again, and `onFetched` says when it has come. */
  async fetch(module: RemoteModule): Promise<Uint8Array> {
    const kept = await this.#kept(module);
    if (kept !== undefined) return kept;
    return this.downloads.get(keyOf(module), placeOf(module), () => this.#download(module));
  }

  /**
   * From now on an image means this module, whatever becomes of its tag. Until it is called, that is what `fetch` has found last.
   * @throws FetchError when another control plane was faster, and the tag has moved since: what that one found is what counts.
   */
  async pin(image: string, sha256: string): Promise<void> {
    checkPin(image, sha256, await this.#pins.keep(image, sha256));
    this.#found.delete(image);
  }

  /** What was found in an image will not do. Unless it is pinned, `fetch` looks again what it holds. */
  forget(image: string): void {
    this.#found.delete(image);
  }

  /** Whether an image that is not pinned holds something else than this module by now. @throws FetchError */
  async hasMoved(image: string, sha256: string): Promise<boolean> {
    if ((await this.#pins.get(image)) !== undefined) return false;
    return sha256Of((await this.#pull(image)).bytes) !== sha256;
  }

  /**
   * The signatures that an image has in its registry, with the digests that they may be of.
   * @param sha256 of the module that the image is to hold.
   * @throws FetchError
   */
  async imageSignatures(image: string, sha256: string): Promise<ImageSignatures> {
    const { digests } = this.#store.catalog.entry(sha256).images?.[image] ?? {
      digests: await this.#digestsOf(image, sha256),
    };
    const { reference, secrets } = partsOf(image);
    const signatures: SignedPayload[] = [];
    const credentials = await this.#credentialsFor(reference.registry, secrets);
    for (const digest of digests) signatures.push(...(await pullSignatures(reference, digest, credentials)));
    return { digests, signatures };
  }

  /** A small text from a web server, such as a signature. @throws FetchError */
  async text(url: string): Promise<string> {
    return Buffer.from(await this.#get(url, TEXT_LIMIT)).toString("utf8");
  }

  /** Tries nothing again that is not among these, or a signature that comes from one of them or one of these URLs. */
  retain(modules: readonly RemoteModule[], signatures: readonly string[] = []): void {
    const keys = new Set(modules.map(keyOf));
    const places = [...modules.map(placeOf), ...signatures];
    this.downloads.retain((key) => keys.has(key) || places.some((place) => key.startsWith(`${place} `)));
  }

  close(): void {
    this.downloads.retain(() => false);
  }

  async #kept(module: RemoteModule): Promise<Uint8Array | undefined> {
    if ("url" in module) return this.#store.get(module.sha256);
    const pinned = (await this.#pins.get(module.image)) ?? this.#found.get(module.image);
    if (pinned === undefined) return undefined;
    const bytes = this.#store.get(pinned);
    if (bytes !== undefined) check(module, pinned);
    return bytes;
  }

  async #download(module: RemoteModule): Promise<Uint8Array> {
    const { bytes, digests } =
      "url" in module ? { bytes: await this.#get(module.url, this.#limit) } : await this.#pull(module.image);
    check(module, sha256Of(bytes));
    const inspection = inspectModule(bytes);
    if (!inspection.ok) {
      const reasons = inspection.problems.map(({ message }) => message).join("; ");
      throw new FetchError(`Envoy would refuse ${placeOf(module)}: ${reasons}`);
    }
    const { sha256 } = this.#store.put(bytes, placeOf(module));
    if (digests === undefined || "url" in module) return bytes;
    this.#store.catalog.foundIn(sha256, module.image, digests);
    checkPin(module.image, sha256, await this.#pins.get(module.image));
    this.#found.set(module.image, sha256);
    return bytes;
  }

  /** Of an image that was read before its digests were kept. A tag that was moved since leads to another module. */
  async #digestsOf(image: string, sha256: string): Promise<readonly string[]> {
    const { bytes, digests } = await this.#pull(image);
    const found = sha256Of(bytes);
    if (found !== sha256)
      throw new FetchError(`${image}: it holds ${found} by now, and its signature with it; expected ${sha256}`);
    this.#store.catalog.foundIn(sha256, image, digests);
    return digests;
  }

  async #pull(image: string): Promise<PulledModule> {
    try {
      const { reference, secrets } = partsOf(image);
      return await pullModule(reference, await this.#credentialsFor(reference.registry, secrets), this.#limit);
    } catch (error) {
      throw error instanceof OciError ? new FetchError(error.message) : error;
    }
  }

  /** Those of the control plane itself where the resource names no Secrets. */
  async #credentialsFor(registry: string, secrets: readonly string[]): Promise<Credentials | undefined> {
    return secrets.length === 0 ? credentialsFor(registry) : this.#credentials(registry, secrets);
  }

  async #get(url: string, limit: number): Promise<Uint8Array> {
    const place = publicPlace(url);
    const { protocol, host } = new URL(url);
    if (protocol !== "https:" && !isLoopback(host)) throw new FetchError(`${place}: expected HTTPS`);
    let answer: Response;
    try {
      answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    } catch (error) {
      throw new FetchError(`${place}: no answer: ${reasonOf(error)}`);
    }
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new FetchError(`${place}: the answer's status is ${String(answer.status)}, expected 200`);
    }
    return readBody(answer, limit);
  }
}

function check(module: RemoteModule, found: string): void {
  if (module.sha256 === undefined || module.sha256 === found) return;
  throw new FetchError(`${placeOf(module)}: the module's SHA-256 is ${found}, expected ${module.sha256}`);
}

function checkPin(image: string, sha256: string, pinned: string | undefined): void {
  if (pinned === undefined || pinned === sha256) return;
  throw new FetchError(`${image}: it holds ${sha256} by now; the module that it held at first, ${pinned}, is gone`);
}

function placeOf(module: RemoteModule): string {
  return "url" in module ? publicPlace(module.url) : module.image;
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
