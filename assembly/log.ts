// The log of the host.

import { LogLevel } from "./abi/enums";
import { proxy_get_log_level, proxy_log } from "./abi/imports";
import { Bytes } from "./bytes";

const levelOut: usize = memory.data(4);

/** Writes a message to the host's log, whatever level is on; `critical` is the highest. */
export function log(level: LogLevel, message: string): void {
  // @ts-ignore: see `compose/hooks.ts`.
  const text = Bytes.utf8(isDefined(__logPrefix) ? __logPrefix() + message : message);
  proxy_log(level, text.pointer, text.size);
}

/** As `log`, for bytes: they are written as they are, with no allocation on the heap. Envoy takes them for UTF-8. */
export function logBytes(level: LogLevel, message: Bytes): void {
  // @ts-ignore: see `compose/hooks.ts`.
  if (isDefined(__logPrefix)) log(level, message.toString());
  else proxy_log(level, message.pointer, message.size);
}

/** Writes a message at level debug. */
export function logDebug(message: string): void {
  log(LogLevel.Debug, message);
}

/** Writes a message at level info. */
export function logInfo(message: string): void {
  log(LogLevel.Info, message);
}

/** Writes a message at level warn. */
export function logWarn(message: string): void {
  log(LogLevel.Warn, message);
}

/** Writes a message at level error. */
export function logError(message: string): void {
  log(LogLevel.Error, message);
}

/**
 * Whether messages of this level reach the log now; ask before building a message on the request path.
 * The level can change at any time (Envoy's `/logging`), so every call asks the host. Not to be called at module top level.
 */
export function isLogging(level: LogLevel): bool {
  if (proxy_get_log_level(levelOut)) return true;
  return <u32>level >= load<u32>(levelOut);
}
