import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which module an image was found to hold, by its reference, in a file beside the modules. A tag means for good what it meant when it
 * was first read: what sidecars run is changed by the one who writes the resources, not by the one who moves a tag.
 */
export class Pins {
  readonly #file: string;
  readonly #pins: Map<string, string>;

  constructor(folder: string) {
    this.#file = join(folder, "images.json");
    this.#pins = read(this.#file);
  }

  /** The SHA-256 of the module. */
  get(reference: string): string | undefined {
    return this.#pins.get(reference);
  }

  set(reference: string, sha256: string): void {
    this.#pins.set(reference, sha256);
    const scratch = `${this.#file}.${String(process.pid)}`;
    writeFileSync(scratch, `${JSON.stringify(Object.fromEntries(this.#pins), undefined, 2)}\n`);
    renameSync(scratch, this.#file);
  }
}

/** A file that is missing or damaged holds no pins: then the registry is asked again. */
function read(file: string): Map<string, string> {
  try {
    const pins: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof pins !== "object" || pins === null) return new Map();
    return new Map(Object.entries(pins).filter((pin): pin is [string, string] => typeof pin[1] === "string"));
  } catch {
    return new Map();
  }
}
