/** The functions of the module that were running at a trap, in the form in which Envoy writes them; innermost first. */
export function backtrace(error: Error): string {
  const frames: string[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const match = /^\s*at (?:(.*?) \()?wasm:\/\/[^:]*:wasm-function\[(\d+)\]:(0x[0-9a-f]+)/.exec(line);
    if (match === null) continue;
    const [, name = "", index = "", offset = ""] = match;
    frames.push(
      `${String(frames.length).padStart(3)}: ${offset} - ${name.replace(/^.*\.wasm\./, "") || `unknown(function index:${index})`}`,
    );
    if (frames.length === MAX_FRAMES) break;
  }
  return frames.length === 0 ? "" : `\nProxy-Wasm plugin in-VM backtrace:\n${frames.join("\n")}`;
}

const MAX_FRAMES = 20;
