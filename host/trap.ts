import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceLocations } from "./source-map.ts";

/** A function of the module that was running at a trap. */
interface Frame {
  /** Empty if the module does not name it. */
  readonly name: string;
  readonly index: string;
  /** In the module's bytes, in hexadecimal. */
  readonly offset: string;
}

const MAX_FRAMES = 20;

/** The functions of the module that were running at a trap, innermost first. */
function framesOf(error: Error): Frame[] {
  const frames: Frame[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const match = /^\s*at (?:(.*?) \()?wasm:\/\/[^:]*:wasm-function\[(\d+)\]:(0x[0-9a-f]+)/.exec(line);
    if (match === null) continue;
    const [, name = "", index = "", offset = ""] = match;
    frames.push({ name: name.replace(/^.*\.wasm\./, ""), index, offset });
    if (frames.length === MAX_FRAMES) break;
  }
  return frames;
}

/** They in the form in which Envoy writes them. */
export function backtrace(error: Error): string {
  const lines = framesOf(error).map(
    ({ name, index, offset }, i) =>
      `${String(i).padStart(3)}: ${offset} - ${name === "" ? `unknown(function index:${index})` : name}`,
  );
  return lines.length === 0 ? "" : `\nProxy-Wasm plugin in-VM backtrace:\n${lines.join("\n")}`;
}

/** A module trapped, in a host whose `traps` are thrown. Its stack is that of the module, then that of the test. */
export class WasmTrap extends Error {
  /** The callback in which it trapped. */
  readonly callback: string;

  /** `said` is what the module logged last as an error, which is where AssemblyScript says why it aborts. */
  constructor(callback: string, cause: Error, said: string | undefined, locations: SourceLocations | undefined) {
    super(`${callback} trapped: ${said ?? cause.message}`, { cause });
    this.name = "WasmTrap";
    this.callback = callback;
    const frames = framesOf(cause).map(({ name, index, offset }) => {
      const place = locations?.find(Number(offset)) ?? `wasm-function[${index}]:${offset}`;
      return `    at ${name === "" ? place : `${name} (${place})`}`;
    });
    this.stack = [`${this.name}: ${this.message}`, ...frames, ...callers()].join("\n");
  }
}

const HERE = dirname(fileURLToPath(import.meta.url));
const MAX_CALLERS = 100;

/** The lines of the stack of now without those of the host itself, which tell a filter's author nothing. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = MAX_CALLERS;
  const lines = (new Error().stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  Error.stackTraceLimit = limit;
  return lines.filter((line) => !line.includes(HERE) || line.includes(".test."));
}
