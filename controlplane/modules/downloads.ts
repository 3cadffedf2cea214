import { reasonOf } from "../oci/index.ts";

/** Something is not here (yet); the message says why. */
export class FetchError extends Error {
  override readonly name = "FetchError";
}

export interface DownloadOptions {
  /** Called when something has come that a caller went without. */
  readonly onFetched: () => void;
  /** How long a caller waits; a download goes on afterwards. */
  readonly patienceMs: number;
  /** The pause after a first failure; it doubles up to 64 times that. */
  readonly retryMs: number;
}

interface Download {
  /** Ends when it is done, or with why it is not. */
  readonly result: Promise<unknown>;
  /** Set once it failed, until it is tried again. */
  failure?: FetchError;
  retry?: NodeJS.Timeout;
  /** Somebody went without it. */
  isMissed: boolean;
}

/** Downloads under way, and those that failed, which are tried again. Each is done once, whoever asks for it. */
export class Downloads {
  readonly #options: DownloadOptions;
  readonly #all = new Map<string, Download>();

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /**
   * Does a download, unless it is being done. What was done is not remembered.
   * @param key what it is; a download of the same key does the same.
   * @param place what it is, for people.
   * @throws FetchError while it is not done.
   */
  async get<Result>(key: string, place: string, download: () => Promise<Result>): Promise<Result> {
    const found = this.#all.get(key) ?? this.#start({ key, place, download }, 0, false);
    if (found.failure !== undefined) throw found.failure;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        found.isMissed = true;
        reject(new FetchError(`${place} is still being fetched`));
      }, this.#options.patienceMs);
    });
    try {
      return (await Promise.race([found.result, patience])) as Result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tries nothing again whose key this is not true of. */
  retain(isWanted: (key: string) => boolean): void {
    for (const [key, { retry }] of this.#all) {
      if (isWanted(key)) continue;
      clearTimeout(retry);
      this.#all.delete(key);
    }
  }

  #start(
    what: { readonly key: string; readonly place: string; readonly download: () => Promise<unknown> },
    failures: number,
    isMissed: boolean,
  ): Download {
    const { key, place } = what;
    const result = what.download().catch((error: unknown) => {
      throw error instanceof FetchError ? error : new FetchError(`${place}: ${reasonOf(error)}`);
    });
    const download: Download = { result, isMissed };
    this.#all.set(key, download);
    result.then(
      () => {
        if (this.#all.get(key) !== download) return;
        this.#all.delete(key);
        if (download.isMissed) this.#options.onFetched();
      },
      (error: unknown) => {
        // It is a FetchError: see above.
        download.failure = error as FetchError;
        if (this.#all.get(key) !== download) return;
        const pause = this.#options.retryMs * 2 ** Math.min(failures, 6);
        download.retry = setTimeout(() => this.#start(what, failures + 1, true), pause).unref();
      },
    );
    return download;
  }
}
