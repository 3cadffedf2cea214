import { createServer, type Server } from "node:http";
import { listen, portOf } from "./ports.ts";
import { arrived, headerLines, isEmpty, latin1, type Arrived, type Message } from "./exchange.ts";

type Response = Message & { readonly status?: number };

/** An upstream that answers the next request as it is told to, with nothing added, and tells what came. */
export class ScriptedApp {
  readonly #server: Server;
  #response: Response = {};
  #seen: Arrived | undefined;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = Buffer.concat(chunks).toString("latin1");
        const start = `${incoming.method ?? ""} ${incoming.url ?? ""}`;
        this.#seen = arrived(start, headerLines(incoming.rawHeaders), body, headerLines(incoming.rawTrailers));
        const { status = 200, headers = [], body: parts = [], trailers = [] } = this.#response;
        outgoing.sendDate = false;
        for (const [name, value] of headers) outgoing.appendHeader(name, value);
        if (trailers.length > 0) outgoing.setHeader("transfer-encoding", "chunked");
        else if (isEmpty(this.#response)) outgoing.setHeader("content-length", "0");
        outgoing.writeHead(status);
        for (const part of parts) outgoing.write(latin1(part));
        if (trailers.length > 0) outgoing.addTrailers([...trailers] as [string, string][]);
        outgoing.end();
      });
    });
    // Node announces a limit in a header, which some releases of Envoy hide from filters.
    this.#server.keepAliveTimeout = 0;
  }

  static async start(): Promise<ScriptedApp> {
    const app = new ScriptedApp();
    await listen(app.#server);
    return app;
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** What came since the last script. */
  get seen(): Arrived | undefined {
    return this.#seen;
  }

  script(response: Response): void {
    this.#response = response;
    this.#seen = undefined;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
