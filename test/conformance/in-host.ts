import { ProxyWasmHost, type HttpStream, type Plugin } from "@meshwright/host";
import { celFunctions } from "@meshwright/host/cel";
import { CLUSTER, GRPC_CLUSTER, PLUGIN, SILENT_CLUSTER, VM, type Case, type Request } from "./case.ts";
import { GRPC_ANSWERS, type GrpcAnswer } from "./grpc-server.ts";
import { endsTranscript, logTranscript, type Ends, type Transcript } from "./transcript.ts";

/** Longer than what a case waits for a silent cluster. */
const CALL_TIMEOUT_MS = 100;

/** Runs a case in the host. `client` is the address that the request comes from. */
export async function runInHost(item: Case, module: Uint8Array, client: string): Promise<Transcript> {
  const host = await ProxyWasmHost.load(module, {
    ...VM,
    clusters: [CLUSTER, GRPC_CLUSTER, SILENT_CLUSTER],
    foreign: celFunctions(),
  });
  try {
    const plugin = host.startPlugin({
      ...PLUGIN,
      allowOnHeadersStopIteration: item.allowOnHeadersStopIteration ?? false,
    });
    const log = (): Transcript => logTranscript(host.log.lines.map(({ message }) => message).join("\n"));
    if (item.startsNot) return log();
    // The lines before are those of the root contexts.
    const start = log().length;
    if (item.accessLogger === true) {
      const request = [...pseudoHeaders(item.request), ...item.request.headers];
      plugin.logStream({ request, response: { ":status": "200" } });
      return log().slice(start);
    }
    const stream = plugin.newHttpStream({
      // Envoy knows them from its connections and its configuration; a test of a filter gives them.
      properties: { "source.address": client, "xds.cluster_name": CLUSTER },
      ...(item.bufferLimit === undefined ? {} : { bufferLimit: item.bufferLimit }),
    });
    const ends = drive(item, plugin, stream, () => host.clock.advance(CALL_TIMEOUT_MS));
    return [...log().slice(start), ...(item.logOnly ? [] : endsTranscript(ends))];
  } finally {
    host.close();
  }
}

function pseudoHeaders({ method, path }: Request): [string, string][] {
  return [
    [":authority", "h"],
    [":path", path],
    [":method", method],
    [":scheme", "http"],
  ];
}

/** Plays the gRPC server. */
function serveGrpc(plugin: Plugin): void {
  for (const call of plugin.grpcCalls) {
    if (call.cluster === CLUSTER) {
      call.answerWithoutGrpc();
      continue;
    }
    const answer: GrpcAnswer | undefined = Object.entries(GRPC_ANSWERS).find(([path]) => path === call.path)?.[1];
    if (answer === undefined) {
      call.end({ status: 12, message: `The server does not implement the method ${call.path}` });
      continue;
    }
    const { initialMetadata, messages = [], status, message = "OK", trailers = {}, echo = false } = answer;
    if (call.cluster === SILENT_CLUSTER || (echo && !call.ended)) continue;
    if (initialMetadata !== undefined) call.sendInitialMetadata(initialMetadata);
    for (const item of echo ? [...call.messages, ...messages] : messages) call.send(item);
    if (status !== undefined) call.end({ status, message, trailers });
  }
}

/** Plays the client, and the upstream for as far as the filter lets it. */
function drive(
  { request, answer = "hello", leaveAt }: Case,
  plugin: Plugin,
  stream: HttpStream,
  timeOut: () => void,
): Ends {
  const { headers, body } = request;
  stream.requestHeaders([...pseudoHeaders(request), ...headers], { endOfStream: body === undefined });
  if (body !== undefined) {
    stream.requestBody(body);
    stream.requestBody("", { endOfStream: true });
  }
  serveGrpc(plugin);
  timeOut();
  for (const call of plugin.httpCalls) call.respond({ headers: { ":status": "200" }, body: answer });
  const arrived = stream.request.ended && stream.localResponse === undefined && leaveAt === undefined;
  if (arrived) {
    stream.responseHeaders({ ":status": "200", "content-length": String(answer.length) });
    stream.responseBody(answer);
    stream.responseBody("", { endOfStream: true });
  }
  stream.close();
  const { response } = stream;
  return {
    upstream: arrived ? Buffer.from(stream.request.body).toString() : undefined,
    client: response.headers && {
      status: Number(response.headers.get(":status")),
      headers: response.headers.entries(),
      body: Buffer.from(response.body).toString(),
      complete: response.ended,
    },
  };
}
