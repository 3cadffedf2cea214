import type { Arrived, Exchange, HeaderLines, Message, Outcome } from "../exchange.ts";

/** One exchange and what it has to come to, in whatever the filter runs. */
export interface Case {
  readonly exchange: Exchange;
  readonly expected: Outcome;
}

/** A header of each kind. */
export const headers: HeaderLines = [
  ["x-one", "1"],
  ["x-many", "a"],
  ["x-many", ""],
  ["x-many", "b"],
  ["x-empty", ""],
  ["x-bytes", "\xff\xfe\xc3\xa9"],
  ["x-old", "old"],
];

/** `headers` as they arrive when nothing changes them. */
export const unchanged: readonly string[] = headers.map(([name, value]) => `${name}: ${value}`).sort();

/** The same message in both directions. */
export function both(message: Message): Pick<Exchange, "request" | "response"> {
  return { request: message, response: message };
}

export const bodies = both({ headers: [["content-length", "6"]], body: ["abc", "d\xfff"] });

/** A message as it arrived. */
export function message(
  start: string,
  lines: readonly string[] = [],
  body = "",
  trailers: readonly string[] = [],
): Arrived {
  return { start, headers: lines, body, trailers };
}
