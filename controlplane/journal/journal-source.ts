import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import type { Source, StopWatching } from "../source/index.ts";
import type { Journal } from "./journal.ts";
import { keyOf, type ResourceText, type State } from "./revision.ts";

const SCHEME = "applied:";

/** The resources of a journal as a source; or of a state that the journal may come to have, to look at it beforehand. */
export class JournalSource implements Source {
  readonly name = "the applied resources";
  readonly #journal: Journal;
  readonly #state: State | undefined;
  readonly #others: readonly SourceFile[];
  readonly #assets: ReadonlyMap<string, Uint8Array>;

  /**
   * @param candidate what is looked at in place of the journal's own state, with files that are no resources of it and
   * assets that are not kept yet.
   */
  constructor(
    journal: Journal,
    candidate: {
      readonly state?: State;
      readonly others?: readonly SourceFile[];
      readonly assets?: ReadonlyMap<string, Uint8Array>;
    } = {},
  ) {
    this.#journal = journal;
    this.#state = candidate.state;
    this.#others = candidate.others ?? [];
    this.#assets = candidate.assets ?? new Map();
  }

  async list(): Promise<readonly SourceFile[]> {
    const { resources } = this.#state ?? (await this.#journal.state());
    const files = [...resources.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return [
      ...files.map((resource) => this.fileOf(resource)),
      ...this.#others.map((file) => ({ ...file, owner: this.name })),
    ];
  }

  async readAssets(references: readonly AssetReference[]): Promise<Assets> {
    const assets = new Map<string, Asset>();
    for (const { path, use } of references) {
      try {
        const bytes = await this.read(path);
        assets.set(path, use === "schema" ? { ok: true, text: Buffer.from(bytes).toString("utf8") } : { ok: true });
      } catch (error) {
        assets.set(path, { ok: false, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    return assets;
  }

  read(path: string): Promise<Uint8Array> {
    const sha256 = new RegExp(`^${SCHEME}([0-9a-f]{64})/`).exec(path)?.[1];
    if (sha256 === undefined) return Promise.reject(new Error("it was not sent along"));
    const known = this.#assets.get(sha256);
    return known === undefined ? this.#journal.assets.get(sha256) : Promise.resolve(known);
  }

  watch(onChange: () => void): Promise<StopWatching> {
    return this.#journal.watch(onChange);
  }

  /** A resource as the model reads it. */
  fileOf({ file, line, text, assets }: ResourceText): SourceFile {
    const places = Object.entries(assets).map(([name, sha256]) => [name, `${SCHEME}${sha256}/${name}`]);
    return { path: file, line, text, owner: this.name, assets: Object.fromEntries(places) as Record<string, string> };
  }
}
