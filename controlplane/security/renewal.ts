import type { Issued } from "./authority.ts";

/** The longest that a timer of Node waits. */
const maxTimerMs = 2 ** 31 - 1;
const retryMs = 30_000;

export interface RenewalOptions {
  readonly issue: () => Promise<Issued>;
  /** There is a new one; not called for the first. */
  readonly onRenewed: (issued: Issued) => void;
  /** It could not be renewed, and is tried again; what there is stays. */
  readonly onError: (error: Error) => void;
}

/**
 * A certificate that is replaced long before it ends: after two thirds of its life, give or take a twentieth, so that those
 * issued together are not all renewed together, and a third is left to find out why it fails.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  #current: Issued;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  private constructor(options: RenewalOptions, first: Issued) {
    this.#options = options;
    this.#current = first;
    this.#schedule(renewAt(first));
  }

  static async start(options: RenewalOptions): Promise<Renewal> {
    return new Renewal(options, await options.issue());
  }

  get current(): Issued {
    return this.#current;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(at: number): void {
    if (this.#isStopped) return;
    const wait = at - Date.now();
    const step = (): void => (wait > maxTimerMs ? this.#schedule(at) : void this.#renew());
    this.#timer = setTimeout(step, Math.min(Math.max(wait, 0), maxTimerMs));
    // A certificate keeps no process alive.
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    try {
      const issued = await this.#options.issue();
      if (this.#isStopped) return;
      this.#current = issued;
      this.#schedule(renewAt(issued));
      this.#options.onRenewed(issued);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      const left = this.#current.notAfter - Date.now();
      this.#schedule(Date.now() + Math.min(retryMs, Math.max(left / 10, 1000)));
    }
  }
}

function renewAt({ notAfter }: Issued): number {
  const now = Date.now();
  return now + (notAfter - now) * (2 / 3 + (Math.random() - 0.5) / 10);
}
