/** What a developer wants to see of Envoy's log. */
export interface EnvoyLine {
  readonly kind: "log" | "trap" | "fault";
  /** Envoy's name of the level: trace, debug, info, warning, error, critical. */
  readonly level: string;
  readonly message: string;
}

/** The format that Envoy is told to log in, so that a line can be told from the next lines of the one before. */
export const ENVOY_LOG_FORMAT = "@[%l][%n] %v";

const head = /^@\[(\w+)\]\[(\w+)\] (.*)$/;
/** Envoy's first answer to a module that it has yet to fetch; a module that it cannot run is told of otherwise. */
const expected = /^Plugin (\S+|configured to fail \w+) failed to load$/;
const frame = /^(Proxy-Wasm plugin in-VM backtrace:|\s*\d+:\s+0x)/;

/** Reads Envoy's log line by line, and keeps what the filter logged, its traps, and Envoy's own errors. */
export class EnvoyLog {
  #rest = "";
  #isTrap = false;

  /** Takes a piece of the log; gives the lines that it completed. */
  push(text: string): EnvoyLine[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  #line(text: string): EnvoyLine[] {
    const match = head.exec(text);
    if (match === null) {
      if (this.#isTrap && frame.test(text)) return [{ kind: "trap", level: "error", message: text }];
      // What Envoy writes before its log begins is why it does not start.
      return text.trim() === "" || this.#isTrap ? [] : [{ kind: "fault", level: "error", message: text }];
    }
    const [, level = "", component = "", message = ""] = match;
    const said = /^wasm log[^:]*: ?(.*)$/.exec(message);
    this.#isTrap = component === "wasm" && /^Function: \w+ failed: /.test(message);
    if (component === "wasm" && said !== null) return [{ kind: "log", level, message: said[1] ?? "" }];
    if (this.#isTrap)
      return [
        { kind: "trap", level, message: message.replace(/^Function: (\w+) failed: (Uncaught )?/, "trap in $1: ") },
      ];
    if (expected.test(message)) return [];
    return level === "error" || level === "critical" ? [{ kind: "fault", level, message }] : [];
  }
}
