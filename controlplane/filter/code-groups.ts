import type { CodeMap } from "./code-map.ts";
import { shortName } from "./symbolize.ts";
import type { FunctionBody } from "./wasm/sections.ts";

export interface Share {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** Code of one origin: the filter, the SDK, a library. */
export interface CodeGroup extends Share {
  /** By folder, largest first; of the SDK by concept. */
  readonly parts: readonly Share[];
}

/** What is known of a module's code beside its bytes. */
export interface CodeNames {
  readonly functions: ReadonlyMap<number, string>;
  /** Tells more than names do: where each instruction comes from, also in a function that others were inlined into. */
  readonly map: CodeMap | undefined;
}

/** The code by where it comes from, largest first; none where neither names nor a source map tell. */
export function groupCode(bodies: readonly FunctionBody[], { functions, map }: CodeNames): CodeGroup[] {
  if (map === undefined && functions.size === 0) return [];
  const parts = new Map<string, Map<string, number>>();
  const add = ([group, part]: Origin, size: number): void => {
    const of = parts.get(group) ?? new Map<string, number>();
    parts.set(group, of.set(part, (of.get(part) ?? 0) + size));
  };
  for (const body of bodies) {
    if (map === undefined) add(originOf(functions.get(body.index)), body.end - body.start);
    else for (const { file, size } of map.shares(body)) add(originOf(file), size);
  }
  const groups = [...parts].map(([name, of]) => {
    const shares = largestFirst([...of].map(([part, size]) => ({ name: part, size })));
    return { name, size: shares.reduce((sum, { size }) => sum + size, 0), parts: shares };
  });
  return largestFirst(groups);
}

/** The largest functions, largest first. */
export function largestFunctions(bodies: readonly FunctionBody[], names: CodeNames, count: number): Share[] {
  const shares = bodies.map((body) => ({ body, size: body.end - body.start }));
  return largestFirst(shares)
    .slice(0, count)
    .map(({ body, size }) => ({ name: functionName(body, names), size }));
}

function functionName(body: FunctionBody, { functions, map }: CodeNames): string {
  const name = functions.get(body.index);
  const short = name === undefined ? `function ${String(body.index)}` : shortName(name);
  const place = map?.beginning(body);
  if (place === undefined || short.includes("@")) return short;
  return `${short} at ${place.file}:${String(place.line)}`;
}

export function largestFirst<T extends { readonly size: number }>(shares: readonly T[]): T[] {
  return [...shares].sort((a, b) => b.size - a.size);
}

type Origin = readonly [group: string, part: string];

/** Where code comes from: by its file, or the path in a function's name, or the place that a debug build puts after it. */
function originOf(name: string | undefined): Origin {
  if (name === undefined) return ["unknown", ""];
  const file = /@([^@]+):\d+$/.exec(name)?.[1] ?? (name.endsWith(".ts") ? name : undefined);
  const path = file?.replace(/\.ts$/, "") ?? pathInName(name);
  const sdk = /proxy-wasm-assemblyscript-sdk\/([^/]+)/.exec(path)?.[1];
  if (sdk === "runtime" || path.startsWith("~lib/rt/"))
    return ["runtime", sdk === undefined ? "of AssemblyScript" : "of the SDK"];
  if (sdk !== undefined) return ["SDK", sdk];
  const library = /^~lib\/((?:@[^/]+\/)?[^/]+)\/./.exec(path)?.[1];
  if (library !== undefined && !ofStandardLibrary.has(library)) return [`library ${library}`, ""];
  if (path.startsWith("~")) return ["standard library", path.replace(/^~lib\//, "").split("/", 1)[0] ?? ""];
  return ["filter", path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ""];
}

const ofStandardLibrary: ReadonlySet<string> = new Set(["util", "shared", "typedarray"]);

/** `assembly/index` of `assembly/index/Greeter#onLog`. */
function pathInName(name: string): string {
  const head = name.split("<", 1)[0] ?? "";
  const slash = head.lastIndexOf("/");
  return slash < 0 ? head : head.slice(0, slash);
}
