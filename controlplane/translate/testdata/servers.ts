import { once } from "node:events";
import { createServer, request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server } from "node:net";

export interface Listening {
  readonly server: Server;
  readonly port: number;
}

async function listen(server: Server): Promise<Listening> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

/** An application that answers with the headers it saw, its own name among them. */
export function application(name: string, protocol: "HTTP" | "HTTP2" = "HTTP"): Promise<Listening> {
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    response.setHeader("server", name);
    response.end(JSON.stringify({ ...request.headers, application: name }));
  };
  return listen(protocol === "HTTP" ? createServer(answer) : createHttp2Server(answer));
}

/** Serves one file by its path; the query is of no meaning. */
export function fileServer(path: string, content: Uint8Array): Promise<Listening> {
  return listen(
    createServer(({ url = "" }, response) => response.writeHead(url.split("?")[0] === path ? 200 : 404).end(content)),
  );
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** What the application saw, if it answered. */
  readonly seen: IncomingHttpHeaders;
  readonly text: string;
}

export async function get(port: number, path: string, headers: Record<string, string>): Promise<Answer> {
  const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const text = (await response.setEncoding("utf8").toArray()).join("");
  const seen = text.startsWith("{") ? (JSON.parse(text) as IncomingHttpHeaders) : {};
  return { status: response.statusCode, headers: response.headers, seen, text };
}
