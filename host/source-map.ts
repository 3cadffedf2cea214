import { SourceMap, type SourceMapPayload } from "node:module";

/** Where in its sources a module's code comes from, by a source map such as `asc --sourceMap` writes. */
export class SourceLocations {
  readonly #map: SourceMap;
  readonly #shift: number;

  /**
   * @param json the text of the source map.
   * @param shift by how many bytes the code lies later in what runs than in the module of the map.
   * @throws an Error if the text is no source map.
   */
  constructor(json: string, shift: number) {
    const payload: unknown = JSON.parse(json);
    if (!isPayload(payload)) throw new Error("expected a source map: version 3, with sources and mappings");
    this.#map = new SourceMap(payload);
    this.#shift = shift;
  }

  /** `file:line:column` of a position in the module's bytes; undefined if the map does not have it. */
  find(offset: number): string | undefined {
    // A module is one line to a source map, and a position is a column.
    const entry = this.#map.findEntry(0, offset - this.#shift);
    if (!("originalSource" in entry) || typeof entry.originalSource !== "string") return undefined;
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  }
}

function isPayload(value: unknown): value is SourceMapPayload {
  if (typeof value !== "object" || value === null) return false;
  const { version, sources, mappings } = value as Partial<Record<string, unknown>>;
  return version === 3 && Array.isArray(sources) && typeof mappings === "string";
}
