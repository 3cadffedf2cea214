import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../ports.ts";

/** What a filter's HTTP calls reach: a server that does what the path says. */
export class Callee {
  readonly port: number;
  readonly stop: () => Promise<void>;
  /** Requests to `/gate`, which are answered when the test says so. */
  readonly #gates: ServerResponse[] = [];
  #opened: () => void = () => undefined;

  private constructor(port: number, stop: () => Promise<void>) {
    this.port = port;
    this.stop = stop;
  }

  static async start(): Promise<Callee> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => callee.#answer(request, Buffer.concat(chunks).toString(), response));
    });
    const callee = new Callee(await listen(server), async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    });
    return callee;
  }

  /** Waits for a request to `/gate`, and gives what answers it. */
  async gate(): Promise<() => void> {
    if (this.#gates.length === 0) await new Promise<void>((resolve) => (this.#opened = resolve));
    const response = this.#gates.shift();
    return () => response?.end("open");
  }

  #answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const [, what = "", argument = ""] = /^\/(\w+)\/?(.*)$/.exec(request.url ?? "") ?? [];
    const { headers, method = "", rawHeaders } = request;
    switch (what) {
      case "authorize": {
        const isKnown = body !== "";
        response.writeHead(isKnown ? 200 : 401, isKnown ? { "x-user": `${body} by ${String(headers["x-asks"])}` } : {});
        response.end();
        return;
      }
      case "echo": {
        const many = rawHeaders.filter((_, i) => i > 0 && rawHeaders[i - 1]?.toLowerCase() === "x-many");
        response.writeHead(200, { trailer: "x-trailer" });
        response.write(`${method} ${String(request.url)} ${String(headers.host)} ${many.join("+")} ${body}`);
        response.addTrailers({ "x-trailer": "of the callee" });
        response.end();
        return;
      }
      case "status":
        response.writeHead(Number(argument));
        response.end(argument === "204" ? "" : `status ${argument}`);
        return;
      case "reset":
        request.socket.destroy();
        return;
      case "broken":
        response.writeHead(200, { "content-length": "100" });
        response.write("begun", () => request.socket.destroy());
        return;
      case "gate":
        this.#gates.push(response);
        this.#opened();
        return;
      default:
        // "never" is not answered.
        if (what !== "never") response.writeHead(404).end();
    }
  }
}
