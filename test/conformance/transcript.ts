import { reports, UNWRITTEN } from "../../host/testdata/probe.ts";

/** What the module saw, line by line, and then what came out at both ends. */
export type Transcript = readonly string[];

/** What the upstream got of the request, and the client of the response. */
export interface Ends {
  /** The request's body, of a request that arrived whole. */
  readonly upstream: string | undefined;
  readonly client: ClientAnswer | undefined;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: string;
  readonly complete: boolean;
}

/** What a module of a case says, that is not a report, begins with this. */
export const SAID = "CB ";

/** What is said when a root context or a stream is made. */
export const CREATED = `${SAID}stream`;

/** The lines of a log that are about the module, in a form that both hosts share. */
export function logTranscript(log: string): Transcript {
  return log.split("\n").flatMap((line) => {
    const [report] = reports([line]);
    if (report !== undefined) return [reportLine(report)];
    const said = /CB .*|Function: \w+ failed: .*/.exec(line);
    return said === null ? [] : [said[0]];
  });
}

export function endsTranscript({ upstream, client }: Ends): Transcript {
  const request = upstream === undefined ? "nothing" : JSON.stringify(upstream);
  return [`upstream got ${request}`, `client got ${client === undefined ? "nothing" : clientLine(client)}`];
}

/** The status, the words that were written, and the bytes that they point to. */
function reportLine({ status, words, data }: { status: number; words: readonly number[]; data: string }): string {
  const written = words.map((word) => (word === UNWRITTEN ? "-" : isPointer(word) ? "pointer" : String(word)));
  return `status ${status}, wrote ${written.join(" ")}${data === "" ? "" : `, ${JSON.stringify(data)}`}`;
}

/** Whether a word is on the heap of a probe. */
function isPointer(word: number): boolean {
  return word >= 0x3_0000 && word < 0x8_0000;
}

/** Headers that a connection manager or codec adds to what the filters let pass. */
const NOT_OF_FILTERS = /^(:status|date|server|connection|keep-alive|transfer-encoding|content-length|x-envoy-.*)$/;

function clientLine({ status, headers, body, complete }: ClientAnswer): string {
  const kept = [...headers].filter(([name]) => !NOT_OF_FILTERS.test(name)).map((pair) => pair.join(": "));
  return `${status} {${kept.join(", ")}} ${JSON.stringify(body)}${complete ? "" : ", and then a reset"}`;
}
