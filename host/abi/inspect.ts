import { exportSignature, ALLOCATOR_EXPORTS, CALLBACK_EXPORTS, START_EXPORTS } from "./exports.ts";
import { ABI_VERSIONS, importSignature, NOT_IN_ENVOY_1_37, type AbiVersion } from "./imports.ts";
import { formatSignature, sameSignature } from "./signature.ts";
import { WebAssembly } from "../webassembly.ts";
import { readWasm, type Export, type Import, type WasmModule } from "./wasm-binary.ts";

/** One reason for which Envoy refuses a module. */
export interface Problem {
  /** What is wrong, where, and what was expected. */
  readonly message: string;
}

/** What is in a module, and whether Envoy would load it. */
export interface Inspection {
  /** Whether Envoy would compile, link and find what it needs; false exactly if there are `problems`. */
  readonly ok: boolean;
  /** The version that the module's marker export names, if this host runs it. */
  readonly abiVersion: AbiVersion | undefined;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly problems: readonly Problem[];
  /** What Envoy accepts in silence and is most likely a mistake. */
  readonly warnings: readonly string[];
}

/** The most memory that Envoy gives to a module, in pages of 64 KiB: 1 GiB. */
export const MAX_MEMORY_PAGES = 16_384;

const MARKER = /^proxy_abi_version_(\d+)_(\d+)_(\d+)$/;

/**
 * Says what Envoy would refuse in a module, without running it. Takes any bytes and never throws.
 */
export function inspectModule(bytes: Uint8Array): Inspection {
  const read = readWasm(bytes);
  if (!read.ok) return rejected(`not a readable WebAssembly module: ${read.error}`);
  const { module } = read;

  const problems: string[] = [];
  const invalid = compileError(bytes);
  if (invalid !== undefined) problems.push(`not a valid WebAssembly module: ${invalid}`);

  const abiVersion = findAbiVersion(module.exports, problems);
  checkImports(module.imports, abiVersion ?? "0.2.1", problems);
  checkExports(module.exports, problems);
  checkMemory(module, problems);

  return {
    ok: problems.length === 0,
    abiVersion,
    imports: module.imports,
    exports: module.exports,
    problems: problems.map((message) => ({ message })),
    warnings: [...importWarnings(module.imports), ...exportWarnings(module.exports)],
  };
}

function rejected(message: string): Inspection {
  return { ok: false, abiVersion: undefined, imports: [], exports: [], problems: [{ message }], warnings: [] };
}

/** V8's own reason for refusing the bytes. Only an invalid module is compiled for it, and that fails at the first error. */
function compileError(bytes: Uint8Array): string | undefined {
  const copy = Uint8Array.from(bytes);
  if (WebAssembly.validate(copy)) return undefined;
  try {
    new WebAssembly.Module(copy);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^WebAssembly\.Module\(\): /, "") : String(error);
  }
}

function functionNames(exports: readonly Export[]): Set<string> {
  return new Set(exports.filter((item) => item.kind === "function").map((item) => item.name));
}

function findAbiVersion(exports: readonly Export[], problems: string[]): AbiVersion | undefined {
  const markers = [...functionNames(exports)].filter((name) => MARKER.test(name));
  const versions = markers.map((name) => name.replace(MARKER, "$1.$2.$3"));
  const found = versions.find((version): version is AbiVersion =>
    (ABI_VERSIONS as readonly string[]).includes(version),
  );
  if (found === undefined) {
    problems.push(
      "no Proxy-Wasm ABI version: expected an exported function named proxy_abi_version_0_2_1 (or proxy_abi_version_0_2_0), found " +
        (markers.length === 0 ? "none" : markers.join(", ")),
    );
  }
  return found;
}

function checkImports(imports: readonly Import[], abiVersion: AbiVersion, problems: string[]): void {
  for (const item of imports) {
    const where = `import ${item.module}.${item.name}`;
    if (item.kind === "memory" || item.kind === "table") continue;
    if (item.kind !== "function") {
      problems.push(`${where}: the host offers functions, and found a ${item.kind}`);
      continue;
    }
    const expected = importSignature(item.module, item.name, abiVersion);
    if (expected === undefined) {
      problems.push(`${where}: the host of ABI ${abiVersion} has no such function${hint(item)}`);
    } else if (item.signature === undefined || !sameSignature(item.signature, expected)) {
      problems.push(
        `${where}: expected the type ${formatSignature(expected)}, found ${item.signature ? formatSignature(item.signature) : "a type that the module does not define"}`,
      );
    }
  }
}

/** What to do about the imports that people meet most. */
function hint(item: Import): string {
  if (item.module !== "env") return "";
  switch (item.name) {
    case "abort":
    case "seed":
    case "trace":
      return ` (the AssemblyScript compiler adds it; replace it with \`--use ${item.name}=<your function>\`)`;
    case "proxy_clear_route_cache":
      return " (call the foreign function clear_route_cache instead)";
    case "proxy_continue_request":
    case "proxy_continue_response":
      return " (call proxy_continue_stream instead)";
    case "proxy_get_configuration":
      return " (read the buffers VmConfiguration and PluginConfiguration with proxy_get_buffer_bytes instead)";
    default:
      return "";
  }
}

function checkExports(exports: readonly Export[], problems: string[]): void {
  const names = functionNames(exports);
  for (const item of exports) {
    if (item.kind !== "function" || !isLookedUp(item.name, names)) continue;
    const expected = exportSignature(item.name);
    if (expected === undefined) continue;
    if (item.signature === undefined || !sameSignature(item.signature, expected)) {
      problems.push(
        `export ${item.name}: expected the type ${formatSignature(expected)}, found ${item.signature ? formatSignature(item.signature) : "a type that the module does not define"}`,
      );
    }
  }
  if (!Object.keys(ALLOCATOR_EXPORTS).some((name) => names.has(name))) {
    problems.push(
      "no allocator: expected an exported function malloc or proxy_on_memory_allocate of type i32 -> i32, found neither",
    );
  }
}

/** Envoy reads the type of an export only if it means to call it. */
function isLookedUp(name: string, names: ReadonlySet<string>): boolean {
  switch (name) {
    case "_start":
      return !names.has("_initialize");
    case "main":
    case "__main_void":
      return names.has("_initialize");
    case "proxy_on_memory_allocate":
      return !names.has("malloc");
    default:
      return true;
  }
}

function checkMemory(module: WasmModule, problems: string[]): void {
  const imported = module.imports.some((item) => item.kind === "memory");
  if (!imported && !module.exports.some((item) => item.kind === "memory")) {
    problems.push("no memory: expected an exported memory, found none");
  }
  for (const { minimum } of module.memories) {
    if (minimum > MAX_MEMORY_PAGES) {
      problems.push(
        `memory: it starts with ${minimum} pages of 64 KiB; the host gives at most ${MAX_MEMORY_PAGES} (1 GiB)`,
      );
    }
  }
}

function importWarnings(imports: readonly Import[]): string[] {
  return imports
    .filter(({ module, name }) => module !== "env" && NOT_IN_ENVOY_1_37.has(name))
    .map(({ module, name }) => `import ${module}.${name}: Envoy 1.37 does not have it, and does not load this module`);
}

function exportWarnings(exports: readonly Export[]): string[] {
  const warnings: string[] = [];
  const names = functionNames(exports);
  for (const name of names) {
    if (/^(proxy|envoy)_on_/.test(name) && exportSignature(name) === undefined) {
      warnings.push(`export ${name}: the host calls no function of this name${nearest(name)}`);
    }
  }
  if (names.has("_initialize") && names.has("_start")) {
    warnings.push("export _start: the host does not call it, because _initialize is there too");
  }
  if (!Object.keys(START_EXPORTS).some((name) => names.has(name))) {
    warnings.push(
      "no _initialize and no _start: nothing runs before the first callback, so top-level statements never do",
    );
  }
  if (!Object.keys(CALLBACK_EXPORTS).some((name) => names.has(name))) {
    warnings.push("no callback is exported: the module can do nothing");
  }
  return warnings;
}

function nearest(name: string): string {
  const words = new Set(name.split("_"));
  const near = Object.keys(CALLBACK_EXPORTS).find((known) => {
    const parts = known.split("_");
    return parts.length === words.size + 1 && [...words].every((word) => parts.includes(word));
  });
  return near === undefined ? "" : ` (did you mean ${near}?)`;
}
