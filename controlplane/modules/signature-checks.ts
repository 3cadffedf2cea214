import { namesOf, SignatureError, verifyDetached, verifyImageSignature, type TrustedKey } from "../signatures/index.ts";
import { FetchError } from "./downloads.ts";
import { publicPlace, type ModuleFetcher } from "./fetcher.ts";
import type { ModuleStore } from "./store.ts";

/** A module whose signature is looked at. */
export interface SignedModule {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** The image that it came in. */
  readonly image?: string;
  /** A detached signature, or where it is fetched from. Without it, that of the image is looked for in its registry. */
  readonly signature?: { readonly text: string } | { readonly url: string };
  /** The names of the keys of which one is to have signed it. Default: any key that is trusted. */
  readonly keys?: readonly string[];
}

/** Says whose modules are taken: see {@link SignatureChecks}. */
export interface SignatureCheck {
  check(module: SignedModule): Promise<unknown>;
}

/**
 * Finds out who has signed modules. A signature that was fetched and is good is kept, so a registry that is gone later changes nothing,
 * and is verified again each time, so a key that is trusted no more counts no more.
 */
export class SignatureChecks {
  readonly #store: ModuleStore;
  readonly #fetcher: ModuleFetcher;
  readonly #trusted: () => readonly TrustedKey[];

  /** @param trusted the keys that are trusted now. */
  constructor(store: ModuleStore, fetcher: ModuleFetcher, trusted: () => readonly TrustedKey[]) {
    this.#store = store;
    this.#fetcher = fetcher;
    this.#trusted = trusted;
  }

  /**
   * The key that has signed a module.
   * @throws SignatureError when there is no signature, or none that is good.
   * @throws FetchError when it cannot be had now, or what is there now is not good; then it is tried again.
   * @throws KeyError when the keys cannot be read.
   */
  async check(module: SignedModule): Promise<TrustedKey> {
    const keys = this.#keysFor(module);
    const { signature, image, sha256, bytes } = module;
    if (signature !== undefined && "text" in signature) return verifyDetached(bytes, signature.text, keys);
    const place = signature?.url ?? image;
    if (place === undefined) throw new SignatureError("it is not signed: expected the field signature");
    const kept = this.#kept(module, place, keys);
    if (kept !== undefined) return kept;
    // Who is asked for decides as well whether what is found is good.
    const key = `${place} ${JSON.stringify([sha256, keys.map(({ name }) => name)])}`;
    let attempts = 0;
    await this.#fetcher.downloads.get(key, `the signature of ${publicPlace(place)}`, async () => {
      attempts += 1;
      if (signature !== undefined) return this.#fetchText(signature.url, module);
      // Whoever pushed it may have signed what was pushed after it: whoever waits for a signature looks anew then.
      if (attempts > 1 && (await this.#fetcher.hasMoved(place, sha256))) return;
      return this.#fetchImageSignature(place, sha256, module);
    });
    const found = this.#kept(module, place, this.#keysFor(module));
    if (found === undefined) throw new SignatureError(`${place}: the image or the keys have changed meanwhile`);
    return found;
  }

  #keysFor({ keys: names }: SignedModule): readonly TrustedKey[] {
    const trusted = this.#trusted();
    if (names === undefined) return trusted;
    const unknown = names.filter((name) => !trusted.some((key) => key.name === name));
    if (unknown.length > 0)
      throw new SignatureError(`there is no key ${unknown.join(", ")}; found ${namesOf(trusted)}`);
    return trusted.filter(({ name }) => names.includes(name));
  }

  #kept({ sha256, bytes }: SignedModule, place: string, keys: readonly TrustedKey[]): TrustedKey | undefined {
    const { signatures, images } = this.#store.catalog.entry(sha256);
    const kept = signatures?.[place];
    if (kept === undefined) return undefined;
    try {
      if (kept.payload === undefined) return verifyDetached(bytes, kept.signature, keys);
      const payload = Buffer.from(kept.payload, "base64");
      return verifyImageSignature({ ...kept, payload }, images?.[place]?.digests ?? [], keys);
    } catch (error) {
      if (error instanceof SignatureError) return undefined;
      throw error;
    }
  }

  async #fetchText(url: string, module: SignedModule): Promise<void> {
    const signature = await this.#fetcher.text(url);
    this.#verified(publicPlace(url), () => verifyDetached(module.bytes, signature, this.#keysFor(module)));
    this.#store.catalog.keepSignature(module.sha256, url, { signature });
  }

  async #fetchImageSignature(image: string, sha256: string, module: SignedModule): Promise<void> {
    const { digests, signatures } = await this.#fetcher.imageSignatures(image, sha256);
    if (signatures.length === 0) {
      throw new FetchError(`${image} is not signed: its registry has no signature of ${digests.join(" or ")}`);
    }
    const reasons = new Set<string>();
    for (const one of signatures) {
      try {
        verifyImageSignature(one, digests, this.#keysFor(module));
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
        reasons.add(error.message);
        continue;
      }
      const payload = Buffer.from(one.payload).toString("base64");
      this.#store.catalog.keepSignature(sha256, image, { signature: one.signature, payload });
      return;
    }
    throw new FetchError(`${image}: ${[...reasons].join("; ")}`);
  }

  #verified(place: string, verify: () => TrustedKey): void {
    try {
      verify();
    } catch (error) {
      throw error instanceof SignatureError ? new FetchError(`${place}: ${error.message}`) : error;
    }
  }
}
