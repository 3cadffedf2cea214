import { inspectModule, readWasm } from "@meshwright/host";
import { shortName } from "./symbolize.ts";
import { readFunctionNames } from "./wasm/names.ts";
import { readFunctionBodies, readSections } from "./wasm/sections.ts";

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
  /** The code by where it comes from, largest first; one group where the module has no names. */
  readonly code: readonly Share[];
  /** The largest functions, largest first. */
  readonly largest: readonly Share[];
}

export interface ExportReport {
  readonly name: string;
  /** The method of a context that it leads to in the AssemblyScript SDK, if it is a callback. */
  readonly callback: string | null;
}

export interface Share {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
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

/** Takes any bytes; of what is no module there is little to say. */
export function reportModule(bytes: Uint8Array): ModuleReport {
  const { abiVersion, problems, warnings, imports, exports } = inspectModule(bytes);
  const read = readWasm(bytes);
  const memory = read.ok ? read.module.memories[0] : undefined;
  const imported = imports.filter(({ kind }) => kind === "function").length;
  const { sections, functions } = read.ok ? measure(bytes, imported) : { sections: [], functions: [] };
  return {
    size: bytes.length,
    abiVersion: abiVersion ?? null,
    problems: problems.map(({ message }) => message),
    warnings,
    imports: imports.map(({ module, name }) => `${module}.${name}`),
    exports: exports.map(({ name }) => ({ name, callback: callbackOf(name) })),
    memory: memory === undefined ? null : { minimum: memory.minimum, maximum: memory.maximum ?? null },
    sections,
    code: summed(functions.map(({ name, size }) => ({ name: groupOf(name), size }))),
    largest: functions
      .map(({ name, index, size }) => ({
        name: name === undefined ? `function ${String(index)}` : shortName(name),
        size,
      }))
      .sort((a, b) => b.size - a.size)
      .slice(0, LARGEST),
  };
}

interface FunctionSize {
  readonly index: number;
  readonly name: string | undefined;
  readonly size: number;
}

/** Sizes, as far as the bytes can be read. */
function measure(bytes: Uint8Array, imported: number): { sections: Share[]; functions: FunctionSize[] } {
  try {
    const found = readSections(bytes);
    const names = readFunctionNames(bytes);
    return {
      sections: summed(
        found.map(({ id, name, start, end }) => ({
          name: name ?? sectionNames[id] ?? `section ${String(id)}`,
          size: end - start,
        })),
      ),
      functions: readFunctionBodies(bytes, found, imported).map(({ index, start, end }) => ({
        index,
        name: names.get(index),
        size: end - start,
      })),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { sections: [], functions: [] };
  }
}

/** `proxy_on_request_headers` is `onRequestHeaders`. */
function callbackOf(name: string): string | null {
  const [, words] = /^proxy_on_(?!memory_allocate$|context_create$)(\w+)$/.exec(name) ?? [];
  if (words === undefined) return null;
  return `on${words.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
}

/** Where a function comes from, by the path in its name, or the place that a debug build puts after it. */
function groupOf(name: string | undefined): string {
  if (name === undefined) return "code without names";
  const path = /@([^@]+):\d+$/.exec(name)?.[1] ?? name;
  if (/proxy-wasm-assemblyscript-sdk\/runtime\//.test(path) || path.startsWith("~lib/rt/")) return "runtime";
  if (path.includes("proxy-wasm-assemblyscript-sdk/")) return "SDK";
  const library = /^~lib\/((?:@[^/]+\/)?[^/]+)\/./.exec(path)?.[1];
  if (
    library !== undefined &&
    !["util", "shared", "typedarray"].includes(library) &&
    !/^~lib\/[a-z]+\/[A-Z]/.test(path)
  ) {
    return `library ${library}`;
  }
  if (path.startsWith("~lib/") || path.startsWith("~")) return "standard library";
  return "filter";
}

function summed(shares: readonly Share[]): Share[] {
  const sums = new Map<string, number>();
  for (const { name, size } of shares) sums.set(name, (sums.get(name) ?? 0) + size);
  return [...sums].map(([name, size]) => ({ name, size })).sort((a, b) => b.size - a.size);
}
