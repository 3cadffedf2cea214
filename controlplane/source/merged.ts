import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import type { Source, SourceEvent, SourceStatus, StopWatching } from "./source.ts";

/** Several sources as one. What two of them have is a fault, which the model finds. */
export class MergedSource implements Source {
  readonly name: string;
  /** There if one of them wants to hear it. */
  readonly status?: (status: SourceStatus | undefined) => void;
  readonly credentials?: NonNullable<Source["credentials"]>;
  readonly #sources: readonly Source[];

  constructor(sources: readonly Source[]) {
    this.name = sources.map(({ name }) => name).join(" and ");
    this.#sources = sources;
    // One of them has Secrets, at most: the cluster.
    const owner = sources.find((source) => source.credentials !== undefined);
    if (owner?.credentials !== undefined) this.credentials = owner.credentials.bind(owner);
    if (sources.some((source) => source.status !== undefined)) {
      this.status = (status) => {
        for (const source of sources) source.status?.(status);
      };
    }
  }

  async list(): Promise<readonly SourceFile[]> {
    return (await Promise.all(this.#sources.map((source) => source.list()))).flat();
  }

  async readAssets(references: readonly AssetReference[]): Promise<Assets> {
    const all = new Map<string, Asset>();
    for (const source of this.#sources) {
      // Each is asked for what its own resources name, and for nothing else that it may be able to read.
      const own = references.filter(({ owner }) => owner === source.name);
      for (const [path, asset] of await source.readAssets(own)) all.set(path, asset);
    }
    return all;
  }

  async read(path: string): Promise<Uint8Array> {
    let failure: unknown;
    for (const source of this.#sources) {
      try {
        return await source.read(path);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  async watch(onChange: () => void): Promise<StopWatching> {
    const stops = await Promise.all(this.#sources.map((source) => source.watch(onChange)));
    return async () => {
      await Promise.all(stops.map((stop) => stop()));
    };
  }

  event(event: SourceEvent): void {
    for (const source of this.#sources) source.event?.(event);
  }
}
