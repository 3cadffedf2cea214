import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** What is known of a module beside its bytes. */
export interface CatalogEntry {
  /** Where it came from, the latest last. */
  readonly from: readonly string[];
  /**
   * How long nothing has referred to it, in milliseconds; absent while something does. Only time in which a collector ran counts, so no
   * step of a clock can shorten it.
   */
  readonly unusedMs?: number | undefined;
  /** Versions of filters with this module that sidecars were served, as they acknowledge them. */
  readonly servedAs: readonly string[];
  /** By image in which it was found. */
  readonly images?: Readonly<Record<string, FoundImage>>;
  /** Signatures of it that were good once, by where they came from. They are verified again at each use. */
  readonly signatures?: Readonly<Record<string, KeptSignature>>;
}

export interface FoundImage {
  /** Of its manifest, and of the index that it was found by. */
  readonly digests: readonly string[];
}

export interface KeptSignature {
  readonly signature: string;
  /** What is signed, in base64, where that is not the module itself. */
  readonly payload?: string;
}

const none: CatalogEntry = { from: [], servedAs: [] };

/** More places help nobody. */
const MAX_FROM = 5;
/** A sidecar that comes back has been served one of the latest. */
const MAX_SERVED = 1_000;

/**
 * What is known of modules, in a file beside them. It can be lost: what is not in it counts as just used, and the modules themselves
 * are found in the folder.
 */
export class Catalog {
  readonly #file: string;
  #entries: ReadonlyMap<string, CatalogEntry>;

  constructor(file: string) {
    this.#file = file;
    this.#entries = read(file);
  }

  entry(sha256: string): CatalogEntry {
    return this.#entries.get(sha256) ?? none;
  }

  get entries(): ReadonlyMap<string, CatalogEntry> {
    return this.#entries;
  }

  cameFrom(sha256: string, place: string): void {
    const entry = this.entry(sha256);
    if (entry.from.includes(place)) return;
    const from = [...entry.from, place].slice(-MAX_FROM);
    this.replace(new Map(this.#entries).set(sha256, { ...entry, from }));
  }

  foundIn(sha256: string, image: string, digests: readonly string[]): void {
    const entry = this.entry(sha256);
    const images = { ...entry.images, [image]: { digests } };
    this.replace(new Map(this.#entries).set(sha256, { ...entry, images }));
  }

  keepSignature(sha256: string, place: string, signature: KeptSignature): void {
    const entry = this.entry(sha256);
    const signatures = { ...entry.signatures, [place]: signature };
    this.replace(new Map(this.#entries).set(sha256, { ...entry, signatures }));
  }

  /** @param served module by version. */
  addServed(served: ReadonlyMap<string, string>): void {
    const versions = new Map<string, Set<string>>();
    for (const [version, sha256] of served) {
      const known = versions.get(sha256) ?? new Set(this.entry(sha256).servedAs);
      versions.set(sha256, known.add(version));
    }
    const entries = new Map(this.#entries);
    for (const [sha256, known] of versions)
      entries.set(sha256, { ...this.entry(sha256), servedAs: [...known].slice(-MAX_SERVED) });
    this.replace(entries);
  }

  /** Keeps these entries, and forgets all others. */
  replace(entries: ReadonlyMap<string, CatalogEntry>): void {
    const text = format(entries);
    if (text === format(this.#entries)) return;
    this.#entries = entries;
    const scratch = `${this.#file}.${String(process.pid)}`;
    writeFileSync(scratch, text);
    renameSync(scratch, this.#file);
  }
}

function format(entries: ReadonlyMap<string, CatalogEntry>): string {
  return `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

function read(file: string): ReadonlyMap<string, CatalogEntry> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // There is none yet, or a crash of the machine has left half of it.
  }
  return new Map(Object.entries(recordOf(value)).map(([sha256, entry]) => [sha256, readEntry(recordOf(entry))]));
}

function readEntry({ from, unusedMs, servedAs, images, signatures }: Readonly<Record<string, unknown>>): CatalogEntry {
  return {
    from: texts(from),
    servedAs: texts(servedAs),
    ...(typeof unusedMs === "number" && unusedMs >= 0 ? { unusedMs } : {}),
    ...some(
      "images",
      readAll(images, ({ digests }) => ({ digests: texts(digests) })),
    ),
    ...some(
      "signatures",
      readAll(signatures, ({ signature, payload }) => ({
        signature: typeof signature === "string" ? signature : "",
        ...(typeof payload === "string" ? { payload } : {}),
      })),
    ),
  };
}

function readAll<T>(value: unknown, read: (record: Readonly<Record<string, unknown>>) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(recordOf(value)).map(([key, one]) => [key, read(recordOf(one))]));
}

/** A field, if there is something in it. */
function some<Key extends string, T extends object>(key: Key, value: T): Partial<Record<Key, T>> {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as Record<Key, T>);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
