import { createClient } from "@redis/client";
import type { QuotaTerms } from "../model/index.ts";
import { lifetimeMs, openAccount, partsAtFirst, type Account } from "./account.ts";
import { LedgerError, type Ledger } from "./ledger.ts";

export interface RedisLedgerOptions {
  /** Such as `redis://:password@host:6379/0`, or `rediss:` for TLS. */
  readonly url: string;
  /** What the keys begin with. Default: `meshwright:quota:`. */
  readonly prefix?: string;
  /** How long an answer may take. Default: 500 ms. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
  /** Is told when the connection is lost and when it is there again. */
  readonly onState?: (isReady: boolean, error?: Error) => void;
}

// A change is made of what the account was, and set only if it is that still: one key holds a version that no other write has,
// and the account. Beside it one key for all says since when this store has been counting, so that an account that was lost
// with the store can be told from one that never was.
const EXCHANGE = `
local since = redis.call('GET', KEYS[2])
if not since then
  since = ARGV[1]
  redis.call('SET', KEYS[2], since)
end
local found = redis.call('HMGET', KEYS[1], 'version', 'account')
local version = found[1] or ''
if since ~= ARGV[2] or version ~= ARGV[3] then return {since, version, found[2] or ''} end
redis.call('HSET', KEYS[1], 'version', ARGV[4], 'account', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {}`;

/** Each attempt that fails is another replica's success. */
const ATTEMPTS = 16;
/** Accounts whose last state is remembered, so that a change is one round trip. */
const REMEMBERED = 10_000;

interface Change {
  readonly apply: (account: Account, now: number) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

interface Stored {
  readonly version: string;
  readonly account: string;
}

/** What there is of a bucket that nobody used. */
const NOTHING: Stored = { version: "", account: "" };

/** Keeps accounts in Redis or Valkey, where all replicas of the control plane see them. */
export class RedisLedger implements Ledger {
  readonly #client: ReturnType<typeof createClient>;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #queues = new Map<string, { changes: Change[]; terms: QuotaTerms }>();
  readonly #remembered = new Map<string, Stored>();
  readonly #writer = crypto.randomUUID();
  #writes = 0;
  #since = "";

  private constructor(options: RedisLedgerOptions) {
    this.#prefix = options.prefix ?? "meshwright:quota:";
    this.#timeoutMs = options.timeoutMs ?? 500;
    this.#now = options.now ?? Date.now;
    this.#client = createClient({
      url: options.url,
      // What cannot be sent now is of no use later.
      disableOfflineQueue: true,
      socket: {
        connectTimeout: 2000,
        reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 6), 2000),
      },
    });
    let wasReady = true;
    const tell = (isReady: boolean, error?: Error): void => {
      if (isReady !== wasReady) options.onState?.(isReady, error);
      wasReady = isReady;
    };
    this.#client.on("error", (error: Error) => tell(false, error));
    this.#client.on("ready", () => tell(true));
  }

  /** Begins to connect, and goes on to until it is closed. Waits only for the first attempt. */
  static async open(options: RedisLedgerOptions): Promise<RedisLedger> {
    const ledger = new RedisLedger(options);
    const first = ledger.#client.connect().catch(() => undefined);
    await within(first, ledger.#timeoutMs).catch(() => undefined);
    return ledger;
  }

  update<Result>(key: string, terms: QuotaTerms, change: (account: Account, now: number) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: { readonly value: Result } | undefined;
      const entry: Change = {
        apply: (account, now) => (result = { value: change(account, now) }),
        done: () => {
          if (result !== undefined) resolve(result.value);
        },
        failed: reject,
      };
      const queue = this.#queues.get(key);
      if (queue !== undefined) {
        queue.changes.push(entry);
        queue.terms = terms;
        return;
      }
      this.#queues.set(key, { changes: [entry], terms });
      void this.#work(key);
    });
  }

  async close(): Promise<void> {
    if (this.#client.isOpen) this.#client.destroy();
    return Promise.resolve();
  }

  /** Makes the changes of a key, all that wait at one time at once. */
  async #work(key: string): Promise<void> {
    for (
      let queue = this.#queues.get(key);
      queue !== undefined && queue.changes.length > 0;
      queue = this.#queues.get(key)
    ) {
      const { changes, terms } = queue;
      this.#queues.set(key, { changes: [], terms });
      try {
        await this.#apply(key, terms, changes);
        for (const { done } of changes) done();
      } catch (error) {
        for (const { failed } of changes) failed(error);
      }
    }
    this.#queues.delete(key);
  }

  async #apply(key: string, terms: QuotaTerms, changes: readonly Change[]): Promise<void> {
    let before = this.#remembered.get(key) ?? NOTHING;
    for (let attempt = 0; attempt < ATTEMPTS; ++attempt) {
      const now = this.#now();
      const account =
        before.version === ""
          ? openAccount(terms, partsAtFirst(terms, Number(this.#since), now), now)
          : (JSON.parse(before.account) as Account);
      for (const { apply } of changes) apply(account, now);
      const after: Stored = { version: `${this.#writer}/${String(++this.#writes)}`, account: JSON.stringify(account) };
      const other = await this.#exchange(key, before.version, after, lifetimeMs(account, terms), now);
      if (other === undefined) {
        this.#remember(key, after);
        return;
      }
      before = other;
    }
    this.#remembered.delete(key);
    throw new LedgerError(`other replicas changed ${key} at each of ${String(ATTEMPTS)} attempts`);
  }

  /** Sets the account if it is the expected one, or gives what it is. */
  async #exchange(
    key: string,
    expected: string,
    { version, account }: Stored,
    lifetime: number,
    now: number,
  ): Promise<Stored | undefined> {
    const reply = this.#client.eval(EXCHANGE, {
      keys: [`${this.#prefix}bucket:${key}`, `${this.#prefix}since`],
      arguments: [String(now), this.#since, expected, version, account, String(lifetime)],
    });
    const [since, found, stored] = (await within(reply, this.#timeoutMs)) as unknown as string[];
    if (since === undefined) return undefined;
    this.#since = since;
    return { version: found ?? "", account: stored ?? "" };
  }

  #remember(key: string, stored: Stored): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, stored);
    if (this.#remembered.size <= REMEMBERED) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

/** The promise's outcome, unless that takes too long. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LedgerError(`no answer within ${String(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
