import { InvalidArgumentError, Option, type Command } from "commander";
import type { PlainRequest } from "../explain/index.ts";
import { InputError } from "../explain/input-error.ts";

/** The options that make a request. */
export interface RequestFlags {
  readonly request: string;
  readonly header: readonly string[];
  readonly host: string;
  readonly scheme: "http" | "https";
  readonly source: string;
  readonly port?: number;
  readonly peer?: string;
  readonly at?: string;
}

/** Adds them to a command. */
export function addRequestOptions(command: Command): Command {
  return command
    .option("--request <line>", 'method and target, such as "GET /orders?page=2"', "GET /")
    .option("-H, --header <line>", 'a header, such as "x-team: red"; can be repeated', collect, [])
    .option("--host <host>", ":authority", "localhost")
    .addOption(new Option("--scheme <scheme>", ":scheme").choices(["http", "https"]).default("https"))
    .option("--source <address>", "the connection's other end", "127.0.0.1")
    .option("--port <port>", "port of Envoy's end", parsePort)
    .option("--peer <uri>", "URI in the client's certificate, such as spiffe://mesh/ns/a/sa/b")
    .option("--at <time>", "when it comes, such as 2026-01-31T18:00:00Z; now when left out");
}

/** @throws InputError if an option does not say what it must. */
export function requestOf({ request, header, host, scheme, source, port, peer, at }: RequestFlags): PlainRequest {
  if (!/^[A-Z_-]+ [^ ]+$/.test(request)) {
    throw new InputError(`--request: expected a method and a target, such as "GET /", found "${request}"`);
  }
  return {
    request,
    host,
    scheme,
    source,
    headers: headersOf(header),
    ...(port !== undefined && { port }),
    ...(peer !== undefined && { peer }),
    ...(at !== undefined && { at }),
  };
}

/** For options that can be repeated. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function parsePort(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new InvalidArgumentError("expected 1 to 65535");
  return value;
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value = ""] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)$/s.exec(line) ?? [];
    // The value may be a secret, so the line is not printed.
    if (name === undefined) throw new InputError('-H: expected a header line, such as "x-team: red"');
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return Object.fromEntries(headers);
}
