import type { ProbeOptions } from "../../host/testdata/probe.ts";

/** A module and one exchange through it, of which every part is chosen by a generator. */
export interface Script {
  readonly name: string;
  readonly module: ProbeOptions;
  readonly request: ScriptedMessage;
  readonly response: ScriptedMessage;
  readonly allowOnHeadersStopIteration: boolean;
}

export interface ScriptedMessage {
  /** Pieces of the body; none and no trailers is a message that ends with its headers. */
  readonly body: readonly string[];
  readonly trailers: boolean;
  /**
   * All of it is sent at once, so that what the filter does in answer to a callout comes after it. Envoy then sees the body
   * as one piece.
   */
  readonly atOnce: boolean;
}

/** The headers of a scripted message, and its trailers if it has some. */
export const SCRIPTED_HEADERS: readonly (readonly [string, string])[] = [
  ["x-one", "1"],
  ["x-two", "2"],
];
export const SCRIPTED_TRAILERS: readonly [string, string][] = [["x-trailer", "t"]];

/** What a filter calls to, and how it answers. */
export const CALLOUT_PATH = "/callout";
export const CALLOUT_ANSWER = "yes";
export const CALLOUT_TIMEOUT_MS = 40;

/** What a message was when it arrived: names and values that only filters write, in order. */
export interface ArrivedMessage {
  readonly status?: number;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: string;
  readonly trailers: Iterable<readonly [string, string]>;
  readonly complete: boolean;
}

/** What a script came to. */
export interface ScriptOutcome {
  /** What the module logged at each step of the exchange. */
  readonly log: readonly (readonly string[])[];
  readonly upstream: string;
  readonly client: string;
}

export const NOTHING = "nothing";

/** A message as one line. What only one side knows of is left out. */
export function arrivedLine({ status, headers, body, trailers, complete }: ArrivedMessage): string {
  const fields = (pairs: Iterable<readonly [string, string]>): string =>
    [...pairs]
      .filter(([name]) => /^x-(?!forwarded|request-id|envoy)|^content-type$|^grpc-/.test(name))
      .map((pair) => pair.join(": "))
      .join(", ");
  const start = status === undefined ? "" : `${status} `;
  return `${start}{${fields(headers)}} ${JSON.stringify(body)} {${fields(trailers)}}${complete ? "" : " cut off"}`;
}
