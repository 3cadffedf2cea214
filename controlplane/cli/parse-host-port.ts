import { InvalidArgumentError } from "commander";
import type { HostPort } from "../control/index.ts";

/** Reads `host:port`, `[ipv6]:port` or a port alone, which is one of loopback. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) throw new InvalidArgumentError("expected HOST:PORT, for example 127.0.0.1:18000");
  const host = match[1] ?? "127.0.0.1";
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port };
}
