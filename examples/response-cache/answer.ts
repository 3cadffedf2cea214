import { BufferedBody, Bytes, LruCache, responseBody } from "proxy-wasm-assemblyscript-sdk";

const MAX_BODY: u32 = 16 * 1024;

/** An answer of the upstream, with the seconds since 1970 from which and up to which it is fresh. */
export class Answer {
  body: Uint8Array = new Uint8Array(0);

  constructor(
    readonly type: string,
    readonly since: i64,
    readonly until: i64,
  ) {}
}

/** Reads a body as it passes the filter, and keeps the answer when the body is whole. */
export class KeptBody extends BufferedBody {
  constructor(
    private cache: LruCache<Answer>,
    private key: string,
    private answer: Answer,
  ) {
    super(responseBody, MAX_BODY, true);
  }

  onComplete(body: Bytes): Bytes | null {
    this.answer.body = body.copy();
    this.cache.set(Bytes.utf8(this.key), this.answer, body.size);
    return null;
  }

  /** Passes, and is not kept. */
  onTooLarge(): bool {
    return true;
  }
}
