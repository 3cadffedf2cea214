import type { Translation } from "../translate/index.ts";
import type { NodeInfo, Snapshot } from "../xds/index.ts";

/** A sidecar that loses its control plane finds another one in seconds. */
const KEPT_MS = 60_000;
const MAX_KEPT = 8;

/** What was served until a moment ago, here and by other control planes of the same source, for sidecars that come from there. */
export class EarlierTranslations {
  #served: readonly Translation[] = [];
  /** By when they were replaced, in that order. */
  readonly #replaced = new Map<Translation, number>();
  #timer: NodeJS.Timeout | undefined;

  /** From now on these are served, and no others. */
  replace(served: readonly Translation[], now = Date.now()): void {
    for (const translation of this.#served) if (!served.includes(translation)) this.#replaced.set(translation, now);
    for (const translation of served) this.#replaced.delete(translation);
    this.#served = served;
    this.#forget(now);
  }

  /** What a node may have been served, latest first. */
  *snapshots(node: NodeInfo): Generator<Snapshot> {
    for (const translation of [...this.#replaced.keys()].reverse()) {
      const { snapshot } = translation.snapshotFor(node);
      if (snapshot !== undefined) yield snapshot;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #forget(now: number): void {
    for (const [translation, at] of this.#replaced)
      if (now - at >= KEPT_MS || this.#replaced.size > MAX_KEPT) this.#replaced.delete(translation);
    clearTimeout(this.#timer);
    const [first] = this.#replaced.values();
    if (first === undefined) return;
    this.#timer = setTimeout(() => this.#forget(Date.now()), Math.max(first + KEPT_MS - now, 0)).unref();
  }
}
