import wabt from "wabt";
import { EXPORTS, type ExportName } from "../abi/exports.ts";
import { ENV_IMPORTS, WASI_IMPORTS, type EnvImport, type WasiImport } from "../abi/imports.ts";
import type { Signature } from "../abi/signature.ts";
import { toBytes } from "../bytes.ts";

/**
 * Makes modules that call host functions with given arguments and log what came back. A test writes what the module does
 * as a list of steps and reads the reports out of the log; there is no toolchain between it and the ABI. The same module
 * runs in Envoy, so a scenario can be held against the real thing.
 */

/** A string or bytes are two arguments: where they are and how long. */
export type Argument = number | bigint | string | Uint8Array | { readonly out: number };

export interface Step {
  readonly call: EnvImport | `wasi:${WasiImport}`;
  readonly args: readonly Argument[];
  /** The first two output words are a pointer and a size: report the bytes there. */
  readonly data?: boolean;
  /** Do not report. */
  readonly quiet?: boolean;
}

/** Output word `index`: its address is the argument. */
export function out(index: number): Argument {
  return { out: index };
}

export function step(call: Step["call"], ...args: readonly Argument[]): Step {
  return { call, args };
}

/** A step that gives a pointer and a size in its first two output words. */
export function dataStep(call: Step["call"], ...args: readonly Argument[]): Step {
  return { call, args, data: true };
}

export interface Callback {
  readonly steps?: readonly Step[];
  /** What the callback returns; 0 by default, or 1 where that means yes. */
  readonly returns?: number;
  /** WAT that runs after the steps. */
  readonly wat?: string;
}

export interface ProbeOptions {
  readonly callbacks?: Partial<Record<ExportName, Callback>>;
  /** WAT of the allocator's body; its parameter is local 0. Undefined for one that works. */
  readonly allocator?: string;
  readonly allocatorName?: "malloc" | "proxy_on_memory_allocate";
  readonly abiVersion?: string;
  /** More WAT at the end of the module. */
  readonly extra?: string;
}

// The first page: output words with the status before them, and the strings. Then reports; then the heap.
const OUT = 16;
const OUT_WORDS = 6;
const STRINGS = 1024;
const REPORT = 0x1_0000;
const HEAP = 0x3_0000;
const MEMORY_PAGES = 8;
const PREFIX = "probe ";

/** The WAT of a probe module. */
export function probeWat(options: ProbeOptions): string {
  const strings: Uint8Array[] = [];
  let end = STRINGS;
  const place = (bytes: Uint8Array): number => {
    const at = end;
    strings.push(bytes);
    end += bytes.length;
    return at;
  };
  const calls = new Set<Step["call"]>(["proxy_log"]);
  const callbacks = Object.entries(options.callbacks ?? {}) as [ExportName, Callback][];
  for (const [, { steps = [] }] of callbacks) for (const { call } of steps) calls.add(call);

  const functions = callbacks.map(([name, callback]) => {
    const body = (callback.steps ?? []).map((item) => stepWat(item, place)).join("\n");
    const yes = name === "proxy_on_vm_start" || name === "proxy_on_configure" || name === "proxy_on_done";
    const result = EXPORTS[name].results.length > 0 ? `(i32.const ${callback.returns ?? (yes ? 1 : 0)})` : "";
    return `(func (export "${name}") ${typeWat(EXPORTS[name])}\n${body}\n${callback.wat ?? ""}\n${result})`;
  });

  return `(module
    ${[...calls].map(importWat).join("\n")}
    (memory (export "memory") ${MEMORY_PAGES})
    (global $heap (mut i32) (i32.const ${HEAP}))
    (global $end (mut i32) (i32.const 0))
    ${dataWat(STRINGS, strings)}
    ${dataWat(REPORT, [toBytes(PREFIX)])}
    (func (export "proxy_abi_version_${(options.abiVersion ?? "0.2.1").replaceAll(".", "_")}"))
    (func (export "${options.allocatorName ?? "malloc"}") (param i32) (result i32)
      ${options.allocator ?? ALLOCATOR})
    ${REPORTER}
    ${functions.join("\n")}
    ${options.extra ?? ""}
  )`;
}

const ALLOCATOR = `
  (global.get $heap)
  (global.set $heap (i32.add (global.get $heap) (i32.and (i32.add (local.get 0) (i32.const 7)) (i32.const -8))))`;

/** Writes the output words, and the bytes at a pointer, as hexadecimal digits into one line of the log. */
const REPORTER = `
  (func $digit (param $value i32)
    (i32.store8 (global.get $end) (i32.add (local.get $value)
      (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $value) (i32.const 10)))))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $hex (param $from i32) (param $to i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (call $digit (i32.shr_u (i32.load8_u (local.get $from)) (i32.const 4)))
      (call $digit (i32.and (i32.load8_u (local.get $from)) (i32.const 15)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))))
  (func $report (param $pointer i32) (param $size i32)
    (global.set $end (i32.const ${REPORT + PREFIX.length}))
    (call $hex (i32.const ${OUT - 4}) (i32.const ${OUT + 4 * OUT_WORDS}))
    (call $hex (local.get $pointer) (i32.add (local.get $pointer) (local.get $size)))
    (drop (call $proxy_log (i32.const 5) (i32.const ${REPORT}) (i32.sub (global.get $end) (i32.const ${REPORT})))))`;

function signatureOf(call: Step["call"]): { module: string; name: string; signature: Signature } {
  if (call.startsWith("wasi:")) {
    const name = call.slice(5) as WasiImport;
    return { module: "wasi_snapshot_preview1", name, signature: WASI_IMPORTS[name] };
  }
  return { module: "env", name: call, signature: ENV_IMPORTS[call as EnvImport] };
}

function importWat(call: Step["call"]): string {
  const { module, name, signature } = signatureOf(call);
  return `(import "${module}" "${name}" (func $${name} ${typeWat(signature)}))`;
}

function typeWat({ params, results }: Signature): string {
  return [...params.map((type) => `(param ${type})`), ...results.map((type) => `(result ${type})`)].join(" ");
}

function dataWat(at: number, strings: readonly Uint8Array[]): string {
  const bytes = strings.flatMap((part) => [...part]).map((byte) => `\\${byte.toString(16).padStart(2, "0")}`);
  return `(data (i32.const ${at}) "${bytes.join("")}")`;
}

function stepWat(item: Step, place: (bytes: Uint8Array) => number): string {
  const { name, signature } = signatureOf(item.call);
  const args = item.args.flatMap((argument): string[] => {
    if (typeof argument === "number") return [`(i32.const ${argument | 0})`];
    if (typeof argument === "bigint") return [`(i64.const ${argument})`];
    if (typeof argument === "object" && "out" in argument) return [`(i32.const ${OUT + 4 * argument.out})`];
    const bytes = toBytes(argument);
    return [`(i32.const ${place(bytes)})`, `(i32.const ${bytes.length})`];
  });
  if (args.length !== signature.params.length) {
    throw new Error(`${name} takes ${signature.params.length} arguments, and the step gives ${args.length}`);
  }
  const call = `(call $${name} ${args.join(" ")})`;
  if (signature.results.length === 0) return call;
  if (item.quiet) return `(drop ${call})`;
  const data = item.data
    ? `(i32.load (i32.const ${OUT})) (i32.load (i32.const ${OUT + 4}))`
    : "(i32.const 0) (i32.const 0)";
  return `(memory.fill (i32.const ${OUT}) (i32.const 0xee) (i32.const ${4 * OUT_WORDS}))
    (i32.store (i32.const ${OUT - 4}) ${call})
    (call $report ${data})`;
}

let toolkit: ReturnType<typeof wabt> | undefined;

/** Assembles WAT. */
export async function assemble(wat: string): Promise<Uint8Array> {
  toolkit ??= wabt();
  const module = (await toolkit).parseWat("test.wat", wat, { bulk_memory: true, exceptions: true, multi_value: true });
  try {
    return Uint8Array.from(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}

export async function probe(options: ProbeOptions): Promise<Uint8Array> {
  return assemble(probeWat(options));
}

/** What came of a step. An output word that the host did not write is UNWRITTEN. */
export interface Report {
  readonly status: number;
  readonly words: readonly number[];
  readonly bytes: Uint8Array;
  readonly data: string;
}

export const UNWRITTEN = 0xeeee_eeee;

/** The reports in the lines of a log, of the host or of Envoy. */
export function reports(lines: Iterable<string>): Report[] {
  const found: Report[] = [];
  for (const line of lines) {
    const hex = /probe ([0-9a-f]{56,})/.exec(line)?.[1];
    if (hex === undefined) continue;
    const all = Buffer.from(hex, "hex");
    const words = Array.from({ length: OUT_WORDS + 1 }, (_, i) => all.readUInt32LE(4 * i));
    const bytes = Uint8Array.from(all.subarray(4 * words.length));
    found.push({ status: words[0] ?? UNWRITTEN, words: words.slice(1), bytes, data: new TextDecoder().decode(bytes) });
  }
  return found;
}
