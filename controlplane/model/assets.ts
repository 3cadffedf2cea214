import { posix } from "node:path";
import { readDocuments } from "./document.ts";
import type { Document, Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";

/** A file that a WasmModule or a Certificate names. */
export interface AssetReference {
  readonly path: string;
  /** Modules and signatures need only be there; the others are read. */
  readonly use: "module" | "schema" | "signature" | "pem";
  /** The source whose resource names it. */
  readonly owner?: string;
}

/** What the source found at the path of an asset. `text` is there for what is read. */
export type Asset =
  | { readonly ok: true; readonly text?: string }
  | {
      readonly ok: false;
      readonly reason: string;
      /** What is not there and may be on its way, as `Kind name`. */
      readonly missing?: string;
    };

/** What the source found, by path. A path that is absent counts as missing. */
export type Assets = ReadonlyMap<string, Asset>;

/** The path of a file that is named in `file`. */
export function resolveAsset(file: string, relative: string): string {
  return posix.isAbsolute(relative) ? relative : posix.join(posix.dirname(file), relative);
}

/** That a resource names a file that cannot be read. */
export function unreadable(origin: Origin, path: Path, place: string, asset: Asset | undefined): Problem {
  const { reason, missing } = asset?.ok === false ? asset : { reason: "not found" };
  const problem = origin.problem(path, `cannot read ${place}: ${reason}`);
  // The same object, since the origin remembers it.
  return missing === undefined ? problem : Object.assign(problem, { missing });
}

/** Reads the text of a JSON Schema: one document, an object or a boolean. */
export function readSchema(path: string, text: string): { document?: Document; problems: Problem[] } {
  const { documents, problems } = readDocuments({ path, text });
  const [document] = documents;
  if (problems.length > 0 || document === undefined || documents.length > 1) {
    const fault = { file: path, line: 1, column: 1, path: "", message: "expected one JSON document" };
    return { problems: problems.length > 0 ? problems : [fault] };
  }
  if (typeof document.value === "object" && document.value !== null && !Array.isArray(document.value)) {
    return { document, problems };
  }
  return { problems: [document.origin.problem([], "expected a JSON Schema, an object")] };
}
