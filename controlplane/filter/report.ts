import { inspectModule, readWasm } from "@meshwright/host";
import { groupCode, largestFirst, largestFunctions, type CodeGroup, type Share } from "./code-groups.ts";
import type { CodeMap } from "./code-map.ts";
import { readFunctionNames } from "./wasm/names.ts";
import { readFunctionBodies, readSections, type FunctionBody } from "./wasm/sections.ts";

/** What is in a module, for people and, as JSON, for programs. */
export interface ModuleReport {
  /** In bytes. */
  readonly size: number;
  readonly abiVersion: string | null;
  /** What Envoy refuses the module for; none if it loads it. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** As `module.name`. */
  readonly imports: readonly string[];
  readonly exports: readonly ExportReport[];
  /** In pages of 64 KiB. */
  readonly memory: { readonly minimum: number; readonly maximum: number | null } | null;
  readonly sections: readonly Share[];
  /** The code by where it comes from, largest first; none where the module has neither names nor a source map. */
  readonly code: readonly CodeGroup[];
  /** The largest functions, largest first. */
  readonly largest: readonly Share[];
}

export interface ExportReport {
  readonly name: string;
  /** The method of a context that it leads to in the AssemblyScript SDK, if it is a callback. */
  readonly callback: string | null;
}

const LARGEST = 10;
const sectionNames: Readonly<Record<number, string>> = {
  1: "types",
  2: "imports",
  3: "functions",
  4: "tables",
  5: "memories",
  6: "globals",
  7: "exports",
  8: "start",
  9: "elements",
  10: "code",
  11: "data",
  12: "data count",
  13: "tags",
};

/**
 * Takes any bytes; of what is no module there is little to say.
 * @param map what stands beside the module; it counts only where the module says that it was built with one.
 */
export function reportModule(bytes: Uint8Array, map?: CodeMap): ModuleReport {
  const { abiVersion, problems, warnings, imports, exports } = inspectModule(bytes);
  const read = readWasm(bytes);
  const memory = read.ok ? read.module.memories[0] : undefined;
  const imported = imports.filter(({ kind }) => kind === "function").length;
  const { sections, bodies, functions } = read.ok ? measure(bytes, imported) : nothing;
  const hasMap = sections.some(({ name }) => name === "sourceMappingURL");
  const names = { functions, map: hasMap ? map : undefined };
  return {
    size: bytes.length,
    abiVersion: abiVersion ?? null,
    problems: problems.map(({ message }) => message),
    warnings,
    imports: imports.map(({ module, name }) => `${module}.${name}`),
    exports: exports.map(({ name }) => ({ name, callback: callbackOf(name) })),
    memory: memory === undefined ? null : { minimum: memory.minimum, maximum: memory.maximum ?? null },
    sections,
    code: groupCode(bodies, names),
    largest: largestFunctions(bodies, names, LARGEST),
  };
}

interface Measured {
  readonly sections: readonly Share[];
  readonly bodies: readonly FunctionBody[];
  /** Names by index, as far as the module has them. */
  readonly functions: ReadonlyMap<number, string>;
}

const nothing: Measured = { sections: [], bodies: [], functions: new Map() };

/** Sizes, as far as the bytes can be read. */
function measure(bytes: Uint8Array, imported: number): Measured {
  try {
    const found = readSections(bytes);
    const sections = found.map(({ id, name, start, end }) => ({
      name: name ?? sectionNames[id] ?? `section ${String(id)}`,
      size: end - start,
    }));
    const bodies = readFunctionBodies(bytes, found, imported);
    return { sections: largestFirst(sections), bodies, functions: readFunctionNames(bytes) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return nothing;
  }
}

/** `proxy_on_request_headers` is `onRequestHeaders`. */
function callbackOf(name: string): string | null {
  const [, words] = /^proxy_on_(?!memory_allocate$|context_create$)(\w+)$/.exec(name) ?? [];
  if (words === undefined) return null;
  return `on${words.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
}
