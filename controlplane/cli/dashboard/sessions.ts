import { randomBytes, timingSafeEqual } from "node:crypto";

/** How long a key is good for that nobody has used, in milliseconds. */
const KEY_MS = 10 * 60_000;
/** Browsers that may be let in at the same time; of more, the first has to come again. */
const MAX_TOKENS = 16;

/** Who may use the proxy: whoever has a token, which is given once for a key that stands in an address. */
export class Sessions {
  readonly #now: () => number;
  /** The one key that is good now. */
  #key: { readonly bytes: Buffer; readonly until: number } | undefined;
  readonly #tokens: Buffer[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Makes a key. The one before is good no more. */
  newKey(): string {
    const bytes = randomBytes(32);
    this.#key = { bytes, until: this.#now() + KEY_MS };
    return bytes.toString("base64url");
  }

  /** A token for a key that is good, which it is once. */
  exchange(key: string): string | undefined {
    const known = this.#key;
    if (known === undefined || this.#now() > known.until || !isSame(known.bytes, key)) return undefined;
    this.#key = undefined;
    const token = randomBytes(32);
    this.#tokens.push(token);
    if (this.#tokens.length > MAX_TOKENS) this.#tokens.shift();
    return token.toString("base64url");
  }

  isGood(token: string): boolean {
    return this.#tokens.some((known) => isSame(known, token));
  }
}

function isSame(known: Buffer, text: string): boolean {
  const found = Buffer.from(text, "base64url");
  return found.length === known.length && timingSafeEqual(found, known);
}
