import { readFileSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { SourceFile } from "../model/index.ts";

/** File systems count the time of a change in steps of up to two seconds, so a change may have the time of the one before. */
const STEP_MS = 2_500;

/** For so long it reads before others have a turn, in milliseconds. Many small reads cost a tenth when nobody waits for each. */
const SLICE_MS = 10;

const MS = 1_000_000n;

/** Reads files, again only those that may have changed since. */
export class ReadFiles {
  readonly #owner: string;
  readonly #quietMs: number;
  readonly #maxMs: number;
  #known: ReadonlyMap<string, { readonly state: string; readonly file: SourceFile }> = new Map();

  constructor(owner: string, quietMs: number, maxMs: number) {
    this.#owner = owner;
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
  }

  /**
   * Waits for files that are being written. A file that vanishes meanwhile is left out; one that is as it was is the same object.
   *
   * @throws Error when one cannot be read.
   */
  async read(paths: readonly string[]): Promise<SourceFile[]> {
    const known = new Map<string, { readonly state: string; readonly file: SourceFile }>();
    const files: SourceFile[] = [];
    let began = performance.now();
    for (const path of paths) {
      if (performance.now() - began > SLICE_MS) {
        await setImmediate();
        began = performance.now();
      }
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) continue;
      const now = BigInt(Date.now()) * MS;
      const { dev, ino, size, mtimeNs, ctimeNs } = stats;
      const state = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
      const before = this.#known.get(path);
      let file = before?.state === state ? before.file : undefined;
      if (file === undefined) {
        const age = (now - mtimeNs) / MS;
        const isSettled = age < 0n || age >= BigInt(this.#quietMs);
        const text = isSettled ? readNow(path) : await this.#readSettled(path);
        if (text === undefined) continue;
        file = { path: path.replaceAll("\\", "/"), text, owner: this.#owner };
      }
      files.push(file);
      // Nobody can set the time of a file's last change of state, not even to copy the times of another file.
      const oldest = now - BigInt(STEP_MS) * MS;
      if (mtimeNs < oldest && ctimeNs < oldest) known.set(path, { state, file });
    }
    this.#known = known;
    return files;
  }

  /** Reads a file once nothing has been written to it for a while: half a file can be valid, and mean something else. */
  async #readSettled(path: string): Promise<string | undefined> {
    const end = Date.now() + this.#maxMs;
    for (;;) {
      try {
        const { mtimeMs } = await stat(path);
        const age = Date.now() - mtimeMs;
        if (age < 0 || age >= this.#quietMs || Date.now() >= end) return await readFile(path, "utf8");
        await setTimeout(this.#quietMs - age);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    }
  }
}

function readNow(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
