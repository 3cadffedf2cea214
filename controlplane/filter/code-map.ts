import { decodedMappings, TraceMap } from "@jridgewell/trace-mapping";
import type { FunctionBody } from "./wasm/sections.ts";

/** A place in a source, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Segment extends Place {
  readonly offset: number;
}

/** From positions in a module to places in its sources, by the source map that asc writes beside it. */
export class CodeMap {
  readonly #segments: readonly Segment[];

  private constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** @throws Error when the text is no source map. */
  static parse(json: string): CodeMap {
    const map = new TraceMap(json);
    // A module is one line to a source map, and the column a position in its bytes.
    const segments = (decodedMappings(map)[0] ?? []).flatMap(([offset, source, line, column]): Segment[] => {
      const file = source === undefined ? undefined : map.sources[source];
      // Some instructions of the compiler's own making belong to no place: what came before is nearest.
      if (typeof file !== "string" || line === undefined || column === undefined) return [];
      return [{ offset, file: plain(file), line: line + 1, column: column + 1 }];
    });
    return new CodeMap(segments);
  }

  /** The place of the instruction at an offset, or of the last one before it in the same function. */
  locate(offset: number, bodyStart = 0): Place | undefined {
    const segment = this.#segments[this.#after(offset) - 1];
    return segment === undefined || segment.offset < bodyStart ? undefined : segment;
  }

  /** The first place in a function's body. */
  beginning({ start, end }: FunctionBody): Place | undefined {
    const segment = this.#segments[this.#after(start - 1)];
    return segment === undefined || segment.offset >= end ? undefined : segment;
  }

  /** A function's bytes by the file that they come from; of no file where the map tells nothing of the function. */
  shares({ start, end }: FunctionBody): { readonly file: string | undefined; readonly size: number }[] {
    const first = this.#after(start - 1);
    const shares: { file: string | undefined; size: number }[] = [];
    // What stands before the first instruction goes with it.
    for (let from = start, i = first; from < end; i += 1) {
      const next = Math.min(this.#segments[i + 1]?.offset ?? end, end);
      const segment = this.#segments[i];
      const isInside = segment !== undefined && segment.offset < end;
      shares.push({ file: isInside ? segment.file : undefined, size: (isInside ? next : end) - from });
      from = isInside ? next : end;
    }
    return shares;
  }

  /** How many segments begin at or before an offset. */
  #after(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** asc gives its sources a root of its own, which is no folder. */
function plain(file: string): string {
  return file.replace(/^(\.\/)?(?!\.\.)[^/]*\/(?=~lib\/)/, "").replace(/^\.\//, "");
}
