import { LogLevel, type LogLevelName } from "./abi/enums.ts";

/** A line of the log. */
export interface LogLine {
  readonly level: LogLevelName;
  readonly message: string;
  /** Whether the module wrote it, or the host about the module. */
  readonly source: "module" | "host";
  /** The name of the plugin whose context wrote it; empty during start. */
  readonly plugin: string;
}

/** The names of the levels, in order. */
export const LEVELS = Object.keys(LogLevel) as LogLevelName[];

export function levelName(level: number): LogLevelName {
  return LEVELS[level] ?? "off";
}

/** The log of a host: what Envoy would print of a module. */
export class Log {
  /** Lines below it are dropped, as in Envoy; the module reads it by `proxy_get_log_level`. May change at any time. */
  level: LogLevelName;
  readonly lines: LogLine[] = [];

  constructor(level: LogLevelName = "info") {
    this.level = level;
  }

  write(line: LogLine): void {
    if (LogLevel[line.level] >= LogLevel[this.level]) this.lines.push(line);
  }
}

/** Lines as one readable text. */
export function formatLog(lines: readonly LogLine[]): string {
  return lines.map(({ level, message }) => `[${level}] ${message}`).join("\n");
}
