import type { AssetReference, Assets, SourceFile } from "../model/index.ts";
import type { Source, StopWatching } from "../source/index.ts";

/** A source as it would be with one file more, or with one in place of another. Read once, to look at it: it is not watched. */
export class CandidateSource implements Source {
  readonly name: string;
  readonly #base: Source;
  readonly #path: string;
  readonly #file: SourceFile | undefined;

  /** @param file what is to be at the path; nothing when left out. */
  constructor(base: Source, path: string, file?: SourceFile) {
    this.name = base.name;
    this.#base = base;
    this.#path = path;
    this.#file = file;
  }

  async list(): Promise<readonly SourceFile[]> {
    const others = (await this.#base.list()).filter(({ path }) => path !== this.#path);
    return this.#file === undefined ? others : [...others, this.#file];
  }

  readAssets(references: readonly AssetReference[]): Promise<Assets> {
    return this.#base.readAssets(references);
  }

  read(path: string): Promise<Uint8Array> {
    return this.#base.read(path);
  }

  watch(): Promise<StopWatching> {
    return Promise.resolve(() => Promise.resolve());
  }
}
