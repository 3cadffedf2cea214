import { createServer, request, type Server } from "node:http";
import { listen } from "../ports.ts";

/** What becomes of a module on its way: it arrives, is answered with 503, with other bytes, or its connection dies. */
export type ModuleFate = "arrives" | "503" | "corrupt" | "dies";

/** Stands between sidecars and the place where the control plane serves modules. */
export class ModuleProxy {
  fate: ModuleFate = "arrives";
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(to: number): Promise<ModuleProxy> {
    const server = createServer((incoming, outgoing) => {
      if (proxy.fate === "503") return void outgoing.writeHead(503).end();
      if (proxy.fate === "dies") return void incoming.socket.destroy();
      const { url: path = "/", headers, method } = incoming;
      const upstream = request({ host: "127.0.0.1", port: to, path, method, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          const body = Buffer.concat(chunks);
          // The last byte of a module of this repository's tests is one of a custom section, so it still is a module.
          if (proxy.fate === "corrupt") body[body.length - 1] = body.readUInt8(body.length - 1) ^ 1;
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
        });
      });
      upstream.on("error", () => outgoing.destroy());
      incoming.pipe(upstream);
    });
    const proxy = new ModuleProxy(server, await listen(server));
    return proxy;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
