import { ProxyWasmHost, type HttpStream, type Plugin } from "@meshwright/host";
import { CLUSTER, PLUGIN, VM, type Case } from "./case.ts";
import { endsTranscript, logTranscript, type Ends, type Transcript } from "./transcript.ts";

/** Runs a case in the host. `client` is the address that the request comes from. */
export async function runInHost(item: Case, module: Uint8Array, client: string): Promise<Transcript> {
  const host = await ProxyWasmHost.load(module, { ...VM, clusters: [CLUSTER] });
  try {
    const plugin = host.startPlugin({
      ...PLUGIN,
      allowOnHeadersStopIteration: item.allowOnHeadersStopIteration ?? false,
    });
    const log = (): Transcript => logTranscript(host.log.lines.map(({ message }) => message).join("\n"));
    if (item.startsNot) return log();
    // The lines before are those of the root contexts.
    const start = log().length;
    const stream = plugin.newHttpStream({
      // Envoy knows them from its connections and its configuration; a test of a filter gives them.
      properties: { "source.address": client, "xds.cluster_name": CLUSTER },
      ...(item.bufferLimit === undefined ? {} : { bufferLimit: item.bufferLimit }),
    });
    const ends = drive(item, plugin, stream);
    return [...log().slice(start), ...(item.logOnly ? [] : endsTranscript(ends))];
  } finally {
    host.close();
  }
}

/** Plays the client, and the upstream for as far as the filter lets it. */
function drive({ request, answer = "hello", leaveAt }: Case, plugin: Plugin, stream: HttpStream): Ends {
  const { method, path, headers, body } = request;
  const pseudo = [
    [":authority", "h"],
    [":path", path],
    [":method", method],
    [":scheme", "http"],
  ] as const;
  stream.requestHeaders([...pseudo, ...headers], { endOfStream: body === undefined });
  if (body !== undefined) {
    stream.requestBody(body);
    stream.requestBody("", { endOfStream: true });
  }
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
