/** Headers in order; a name may repeat. One character of a value is one byte (ISO 8859-1). */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** A request or a response as it is sent. One character of the body is one byte. */
export interface Message {
  readonly headers?: HeaderLines;
  readonly body?: readonly string[];
  readonly trailers?: HeaderLines;
}

/** One request through a plugin, and the response of its upstream. */
export interface Exchange {
  readonly scenario: string;
  readonly plugin?: string;
  readonly method?: string;
  readonly path?: string;
  readonly request?: Message;
  readonly response?: Message & { readonly status?: number };
}

/** A message as it arrived: `name: value` lines of what a filter writes, and the whole body. */
export interface Arrived {
  /** `method path`, or the status. */
  readonly start: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/** What one exchange came to. */
export interface Outcome {
  /** What the scenario reported in the log, until its context was deleted: each line after its name. */
  readonly log: readonly string[];
  /** What the upstream got; undefined when nothing came to it. */
  readonly upstream: Arrived | undefined;
  /** What the client got; undefined when the stream was reset. */
  readonly client: Arrived | undefined;
}

export type LogLevelName = "debug" | "info";

/** Something that filters run in. */
export interface Runner {
  run(exchange: Exchange): Promise<Outcome>;
  /** Sets the level from which messages of filters are logged; info at first. */
  logLevel(level: LogLevelName): Promise<void>;
  /** The value of a counter or gauge that a filter made. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** The lines that a filter may have written: those of the proxy, of the connection and of the clients are left out. */
export function arrived(start: string, headers: HeaderLines, body: string, trailers: HeaderLines): Arrived {
  return { start, headers: linesOf(headers), body, trailers: linesOf(trailers) };
}

function linesOf(headers: HeaderLines): string[] {
  return (
    headers
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => /^(x-|grpc-|content-type$|content-length$|accept$)/.test(name))
      .filter(([name]) => !/^x-(forwarded-proto|request-id|scenario|envoy-.*)$/.test(name))
      .map(([name, value]) => `${name}: ${value}`)
      // HTTP/1.1 says so of a message without a body, whatever the filter wrote.
      .filter((line) => line !== "content-length: 0")
      .sort()
  );
}

export const requestLine = ({ scenario, method = "GET", path = `/${scenario}` }: Exchange): [string, string] => [
  method,
  path,
];

export const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** A message ends with its headers. */
export const isEmpty = ({ body = [], trailers = [] }: Message): boolean => body.length + trailers.length === 0;

/** Node's raw headers as lines. */
export function headerLines(raw: readonly string[]): HeaderLines {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? "", raw[2 * i + 1] ?? ""]);
}
