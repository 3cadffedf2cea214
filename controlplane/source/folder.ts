import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join, normalize } from "node:path";
import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import { Debouncer } from "./debounce.ts";
import { ReadFiles } from "./read-files.ts";
import { Watch } from "./watch.ts";
import type { Source, StopWatching } from "./source.ts";

export interface FolderOptions {
  /** How long there must be no change before a change is reported, in milliseconds. */
  readonly quietMs?: number;
  /** How long after a first change it is reported although others follow, in milliseconds. */
  readonly maxMs?: number;
}

const extensions = new Set([".yaml", ".yml", ".json"]);

/**
 * A folder of YAML and JSON files, with its subfolders. Hidden files and the scratch files of editors are no resources;
 * links to files are followed, links to folders are not. Paths are given as the folder was, so that messages name files
 * as the user does.
 */
export class FolderSource implements Source {
  readonly name: string;
  readonly #folder: string;
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #watches = new Set<Watch>();
  readonly #assets = new Set<string>();
  readonly #files: ReadFiles;

  constructor(folder: string, { quietMs = 50, maxMs = 500 }: FolderOptions = {}) {
    this.#folder = normalize(folder);
    this.name = `the folder ${folder}`;
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
    this.#files = new ReadFiles(this.name, quietMs, maxMs);
  }

  /**
   * Waits for files that are being written. A file that vanishes meanwhile is left out.
   *
   * @throws Error when the folder or one of its files cannot be read: leaving it out would take away what it holds.
   */
  async list(): Promise<readonly SourceFile[]> {
    const files = await this.#files.read(await resourcePaths(this.#folder));
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async readAssets(references: readonly AssetReference[]): Promise<Assets> {
    const added = references.map(({ path }) => path).filter((path) => !this.#assets.has(path));
    for (const path of added) this.#assets.add(path);
    // Watched before they are read, so that no change goes unseen.
    for (const watch of this.#watches) await watch.addFiles(added);
    const assets = new Map<string, Asset>();
    for (const { path, use } of references) assets.set(path, await readAsset(path, use));
    return assets;
  }

  read(path: string): Promise<Uint8Array> {
    return readFile(path);
  }

  async watch(onChange: () => void): Promise<StopWatching> {
    const watch = new Watch(new Debouncer(onChange, this.#quietMs, this.#maxMs));
    this.#watches.add(watch);
    await watch.addFolder(this.#folder, (path, stats) => this.#isIgnored(path, stats?.isFile() === true));
    await watch.addFiles([...this.#assets]);
    return async () => {
      this.#watches.delete(watch);
      await watch.close();
    };
  }

  #isIgnored(path: string, isFile: boolean): boolean {
    if (normalize(path) === this.#folder) return false;
    // Kubernetes changes the files of a ConfigMap by changing where the link ..data leads.
    if (basename(path) === "..data") return false;
    return isHidden(path) || (isFile && !isResourceFile(path));
  }
}

async function resourcePaths(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (isHidden(path)) continue;
    if (entry.isDirectory()) paths.push(...(await resourcePaths(path)));
    else if (isResourceFile(path) && (entry.isFile() || (await leadsToFile(path)))) paths.push(path);
  }
  return paths;
}

async function leadsToFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function readAsset(path: string, use: AssetReference["use"]): Promise<Asset> {
  try {
    if (use === "schema" || use === "pem") return { ok: true, text: await readFile(path, "utf8") };
    await access(path, constants.R_OK);
    return (await stat(path)).isFile() ? { ok: true } : { ok: false, reason: "it is not a file" };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  switch (isErrno(error) ? error.code : undefined) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file";
    case "EACCES":
      return "there is no permission to read it";
    case "EISDIR":
      return "it is not a file";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

function isHidden(path: string): boolean {
  const name = basename(path);
  return name.startsWith(".") || name === "node_modules";
}

/** Editors leave `x.yaml~`, `#x.yaml#` and `x.yaml.swp`, none of which ends in a known extension, and `.x` files. */
function isResourceFile(path: string): boolean {
  return extensions.has(extname(path)) && !basename(path).startsWith("#");
}
