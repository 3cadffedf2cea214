import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";

/** What a backend tells of the request that it answers. */
export interface Seen {
  readonly backend: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Backend {
  readonly name: string;
  readonly port: number;
  /** Paths of all requests so far. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/**
 * A backend that answers with what it saw. It does more where a request asks for it in its query: `delay=<ms>` waits,
 * `fail=<status>&times=<n>&id=<unique>` answers the first `n` requests of this id with the status, or closes the connection
 * where the status is 0, and `delayRetry=<ms>` waits before each of these. A header `x-respond` holds, as JSON, headers for
 * the response.
 *
 * @param status of all its other responses.
 */
export async function startBackend(name: string, status = 200): Promise<Backend> {
  const requests: string[] = [];
  const failures = new Map<string, number>();
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    request.resume();
    void answer({ name, status, failures }, request, response);
  });
  server.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    // An echo on the level of bytes; a frame's mask is of no meaning to it.
    socket.pipe(socket);
  });
  const port = await listening(server);
  return { name, port, requests, stop: () => closed(server) };
}

interface Behaviour {
  readonly name: string;
  readonly status: number;
  /** How often the requests of an id have failed. */
  readonly failures: Map<string, number>;
}

async function answer(
  { name, status, failures }: Behaviour,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const query = new URL(request.url ?? "", "http://any").searchParams;
  const id = query.get("id") ?? "";
  const failed = failures.get(id) ?? 0;
  const fails = query.has("fail") && failed < Number(query.get("times"));
  const delay = Number(query.get(fails ? "delayRetry" : "delay") ?? 0);
  if (fails) failures.set(id, failed + 1);
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  if (fails && query.get("fail") === "0") {
    request.socket.destroy();
    return;
  }
  const asked = request.headers["x-respond"]?.toString();
  const headers = asked === undefined ? {} : (JSON.parse(asked) as Record<string, string>);
  const seen: Seen = {
    backend: name,
    method: request.method ?? "",
    path: request.url ?? "",
    host: request.headers.host ?? "",
    headers: request.headers,
  };
  response.writeHead(fails ? Number(query.get("fail")) : status, headers).end(JSON.stringify(seen));
}

/**
 * A gRPC server whose every method answers with an empty message, and with what it saw in the header `x-seen`.
 *
 * @param isServing what it says to grpc.health.v1.Health.
 */
export async function startGrpcBackend(name: string, isServing = true): Promise<Backend> {
  const requests: string[] = [];
  const sessions = new Set<{ destroy: () => void }>();
  const server = createHttp2Server();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const path = headers[":path"] ?? "";
    requests.push(path);
    const seen: Seen = { backend: name, method: "POST", path, host: headers[":authority"] ?? "", headers };
    stream.on("error", () => undefined);
    stream.resume();
    stream.on("end", () => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-seen": JSON.stringify(seen) },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      // HealthCheckResponse { status = 1 (SERVING) or 2 }; an empty message for all else.
      const health = Buffer.from([0, 0, 0, 0, 2, 8, isServing ? 1 : 2]);
      stream.end(path === "/grpc.health.v1.Health/Check" ? health : Buffer.alloc(5));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { name, port: (server.address() as AddressInfo).port, requests, stop };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
