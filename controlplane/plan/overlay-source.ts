import { createHash } from "node:crypto";
import { identityOf, keyOf, splitDocuments, type AppliedFile } from "../journal/index.ts";
import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import type { Source, StopWatching } from "../source/index.ts";

const SCHEME = "planned:";

/** What is to be laid over a source: resources that take the place of those of the same kind and name, and those that go. */
export interface Overlay {
  readonly files: readonly AppliedFile[];
  /** `Kind/name` of each. */
  readonly deleted: readonly string[];
}

/** A source as it would be after a change. Read once, to look at it: it is not watched. */
export class OverlaySource implements Source {
  readonly name: string;
  readonly #base: Source;
  readonly #files: readonly SourceFile[];
  readonly #assets: ReadonlyMap<string, Uint8Array>;
  /** The files of what is replaced that are still named, by the path that the base has them at. */
  readonly #kept: ReadonlySet<string>;
  /** `Kind/name` of what is to be deleted and is not there. */
  readonly missing: readonly string[];

  private constructor(base: Source, files: readonly SourceFile[], more: Pick<OverlaySource, "missing"> & Parts) {
    this.name = base.name;
    this.#base = base;
    this.#files = files;
    this.#assets = more.assets;
    this.#kept = more.kept;
    this.missing = more.missing;
  }

  static async of(base: Source, { files, deleted }: Overlay): Promise<OverlaySource> {
    const assets = new Map<string, Uint8Array>();
    const sent = files.flatMap((file) => {
      const places = [...file.assets].map(([name, bytes]): [string, string] => {
        const path = `${SCHEME}${createHash("sha256").update(bytes).digest("hex")}/${name}`;
        assets.set(path, bytes);
        return [name, path];
      });
      return splitDocuments(file).map((document) => ({ document, places, key: keyOfDocument(document) }));
    });
    const replaced = new Map<string, SourceFile>();
    const gone = new Set([...deleted, ...sent.flatMap(({ key }) => key ?? [])]);
    const rest = (await base.list()).flatMap((file) => withoutDocuments(file, gone, replaced));
    const kept = new Set<string>();
    const added = sent.map(({ document, places, key }): SourceFile => {
      // As with apply, the files that a resource names may be left out where it is there already.
      const before = Object.entries((key === undefined ? undefined : replaced.get(key)?.assets) ?? {});
      for (const [, path] of before) kept.add(path);
      const all = Object.fromEntries([...before, ...places]);
      return { ...document, owner: PLANNED, assets: all };
    });
    const missing = deleted.filter((key) => !replaced.has(key));
    return new OverlaySource(base, [...rest, ...added], { assets, kept, missing });
  }

  list(): Promise<readonly SourceFile[]> {
    return Promise.resolve(this.#files);
  }

  async readAssets(references: readonly AssetReference[]): Promise<Assets> {
    const all = new Map<string, Asset>(
      await this.#base.readAssets(references.filter(({ owner }) => owner !== PLANNED)),
    );
    for (const { path, use, owner } of references) {
      if (owner !== PLANNED) continue;
      try {
        const bytes = await this.#readOwn(path);
        all.set(path, use === "schema" ? { ok: true, text: Buffer.from(bytes).toString("utf8") } : { ok: true });
      } catch (error) {
        all.set(path, { ok: false, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    return all;
  }

  read(path: string): Promise<Uint8Array> {
    return path.startsWith(SCHEME) ? this.#readOwn(path) : this.#base.read(path);
  }

  watch(): Promise<StopWatching> {
    return Promise.resolve(() => Promise.resolve());
  }

  /** Only what was sent, or what the resource had before: a file that a request names is not looked for on this machine. */
  #readOwn(path: string): Promise<Uint8Array> {
    const bytes = this.#assets.get(path);
    if (bytes !== undefined) return Promise.resolve(bytes);
    return this.#kept.has(path) ? this.#base.read(path) : Promise.reject(new Error("it was not sent along"));
  }
}

interface Parts {
  readonly assets: ReadonlyMap<string, Uint8Array>;
  readonly kept: ReadonlySet<string>;
}

const PLANNED = "the plan";

function keyOfDocument(document: SourceFile & { readonly line: number }): string | undefined {
  const identity = identityOf(document);
  return identity && keyOf(identity);
}

/** A file without some of its documents, in parts where it has one of these, so that all others keep their lines. */
function withoutDocuments(
  file: SourceFile,
  gone: ReadonlySet<string>,
  replaced: Map<string, SourceFile>,
): readonly SourceFile[] {
  const first = file.line ?? 1;
  const documents = splitDocuments(file).map((document) => ({ ...file, ...document, line: document.line + first - 1 }));
  const kept = documents.filter((document) => {
    const key = keyOfDocument(document);
    if (key === undefined || !gone.has(key)) return true;
    replaced.set(key, document);
    return false;
  });
  return kept.length === documents.length ? [file] : kept;
}
