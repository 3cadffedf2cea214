import { ProxyWasmHost, type HeaderMap, type HttpStream, type Plugin } from "@meshwright/host";
import { CLUSTER, PLUGIN, SILENT_CLUSTER, VM } from "./case.ts";
import {
  arrivedLine,
  CALLOUT_ANSWER,
  CALLOUT_TIMEOUT_MS,
  NOTHING,
  SCRIPTED_HEADERS,
  SCRIPTED_TRAILERS,
  type Script,
  type ScriptedMessage,
  type ScriptOutcome,
} from "./script.ts";
import { logTranscript } from "./transcript.ts";

/** Runs a script in the host. */
export async function runScriptInHost(script: Script, module: Uint8Array): Promise<ScriptOutcome> {
  const host = await ProxyWasmHost.load(module, { ...VM, clusters: [CLUSTER, SILENT_CLUSTER] });
  try {
    const { allowOnHeadersStopIteration } = script;
    const plugin = host.startPlugin({ ...PLUGIN, allowOnHeadersStopIteration });
    const stream = plugin.newHttpStream();
    const log: (readonly string[])[] = [];
    let from = host.log.lines.length;
    // Envoy ends a stream as soon as its response has passed whole, or cannot.
    const end = (): void => {
      if (stream.response.ended || stream.resetReason !== undefined) stream.close();
    };
    const calls = (): void => answerCalls(host, plugin, end);
    const step = (act: () => void): void => {
      act();
      end();
      log.push(
        logTranscript(
          host.log.lines
            .slice(from)
            .map(({ message }) => message)
            .join("\n"),
        ),
      );
      from = host.log.lines.length;
    };
    for (const act of [...requestActs(stream, script.request), calls]) step(act);
    const arrived = stream.request.ended && stream.localResponse === undefined;
    const upstream = arrived ? lineOf(stream.request, undefined) : NOTHING;
    if (arrived) {
      for (const act of [...responseActs(stream, script.response), calls]) step(act);
    }
    const { response, resetReason } = stream;
    const client = response.headers === undefined ? NOTHING : lineOf(response, Number(response.headers.get(":status")));
    step(() => stream.close());
    return { log, upstream, client: resetReason !== undefined && response.headers === undefined ? NOTHING : client };
  } finally {
    host.close();
  }
}

/** How many steps a message takes: its headers, its pieces, its end. */
export function piecesOf({ body, atOnce }: ScriptedMessage): readonly string[] {
  return atOnce && body.length > 0 ? [body.join("")] : body;
}

function requestActs(stream: HttpStream, message: ScriptedMessage): (() => void)[] {
  const pseudo = [
    [":authority", "h"],
    [":path", "/p"],
    [":method", message.body.length === 0 ? "GET" : "POST"],
    [":scheme", "http"],
  ] as const;
  if (message.body.length === 0) {
    return [() => stream.requestHeaders([...pseudo, ...SCRIPTED_HEADERS], { endOfStream: true })];
  }
  return [
    () => stream.requestHeaders([...pseudo, ...SCRIPTED_HEADERS]),
    ...piecesOf(message).map((piece) => () => stream.requestBody(piece)),
    () =>
      message.trailers ? stream.requestTrailers(SCRIPTED_TRAILERS) : stream.requestBody("", { endOfStream: true }),
  ];
}

function responseActs(stream: HttpStream, message: ScriptedMessage): (() => void)[] {
  const status = [":status", "200"] as const;
  const unless = (act: () => void) => () => {
    if (stream.localResponse === undefined && stream.resetReason === undefined) act();
  };
  if (message.body.length === 0) {
    return [
      unless(() =>
        stream.responseHeaders([status, ...SCRIPTED_HEADERS, ["content-length", "0"]], { endOfStream: true }),
      ),
    ];
  }
  return [
    unless(() => stream.responseHeaders([status, ...SCRIPTED_HEADERS])),
    ...piecesOf(message).map((piece) => unless(() => stream.responseBody(piece))),
    unless(() =>
      message.trailers ? stream.responseTrailers(SCRIPTED_TRAILERS) : stream.responseBody("", { endOfStream: true }),
    ),
  ];
}

/** Answers the calls that the filter has made, and those that it makes meanwhile. */
function answerCalls(host: ProxyWasmHost, plugin: Plugin, after: () => void): void {
  while (plugin.httpCalls.length > 0) {
    const [call] = plugin.httpCalls.filter(({ cluster }) => cluster === CLUSTER);
    if (call === undefined) host.clock.advance(CALLOUT_TIMEOUT_MS);
    else call.respond({ body: CALLOUT_ANSWER });
    after();
  }
}

interface Passed {
  readonly headers: HeaderMap | undefined;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | undefined;
  readonly ended: boolean;
}

/** As HTTP/1.1 brings it: a length that is stated has to be right, and leaves no place for trailers. */
function lineOf({ headers, body, trailers, ended }: Passed, status: number | undefined): string {
  const length = headers?.get("content-length");
  return arrivedLine({
    ...(status !== undefined && { status }),
    headers: headers ?? [],
    body: Buffer.from(length === undefined ? body : body.subarray(0, Number(length))).toString(),
    trailers: length === undefined ? (trailers ?? []) : [],
    complete: ended && Number(length ?? body.length) <= body.length,
  });
}
