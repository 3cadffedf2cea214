import { createServer, type Server } from "node:http";
import { freePorts } from "./ports.ts";

/** An identity provider's set of keys on a port of its own, which it keeps while it is away. */
export class JwksServer {
  readonly port: number;
  /** What it answers: a status, the body, and headers. */
  answer: { readonly status?: number; readonly body: string; readonly headers?: Record<string, string> } = { body: "" };
  /** How often it was asked. */
  requests = 0;
  /** The last request's path and host. */
  asked = "";
  #server: Server | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** A server that is not there yet. */
  static async reserve(): Promise<JwksServer> {
    const [port = 0] = await freePorts(1);
    return new JwksServer(port);
  }

  start(): Promise<void> {
    const server = createServer((request, response) => {
      this.requests += 1;
      this.asked = `${request.headers.host ?? ""}${request.url ?? ""}`;
      const { status = 200, body, headers = {} } = this.answer;
      response.writeHead(status, headers).end(body);
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.on("error", reject).listen(this.port, "127.0.0.1", resolve);
    });
  }

  /** Goes away, with every connection. */
  stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return Promise.resolve();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}
