import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { ConnectionInjector } from "@grpc/grpc-js";
import { Queue } from "./pace.ts";

interface Open {
  readonly socket: Socket;
  readonly since: number;
}

/** How many connections may wait to be accepted: all clients of a replica that has gone come at once. The system may allow fewer. */
const BACKLOG = 4_096;

/** The connections of a gRPC server, each of which can be ended: grpc-js itself ends all of a port, or none. */
export class Connections {
  readonly #server: NetServer;
  readonly #open = new Map<string, Open>();

  constructor(injector: ConnectionInjector) {
    // A thousand handshakes at once would leave no turn to the streams that there are.
    const beginning = new Queue<Socket>((socket) => {
      if (!socket.destroyed) injector.injectConnection(socket);
    });
    this.#server = createServer((socket) => {
      const peer = `${socket.remoteAddress ?? ""}:${String(socket.remotePort ?? "")}`;
      const open = { socket, since: performance.now() };
      this.#open.set(peer, open);
      socket.on("close", () => {
        if (this.#open.get(peer) === open) this.#open.delete(peer);
      });
      // What fails is seen by the session on it; before there is one, by nobody.
      socket.on("error", () => undefined);
      beginning.add([socket]);
    });
  }

  /** @returns the port. @throws Error */
  listen(address: string): Promise<number> {
    const { hostname, port } = new URL(`tcp://${address}`);
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      const host = hostname.replace(/^\[|\]$/g, "");
      this.#server.listen({ host, port: Number(port), backlog: BACKLOG }, () => {
        const at = this.#server.address();
        resolve(typeof at === "object" && at !== null ? at.port : 0);
      });
    });
  }

  /** When the connection of a peer began, by `performance.now()`; undefined when there is none. */
  since(peer: string): number | undefined {
    return this.#open.get(peer)?.since;
  }

  /** Ends the connection of a peer, after time for what is being sent to it. */
  end(peer: string, graceMs: number): void {
    const open = this.#open.get(peer);
    if (open !== undefined) setTimeout(() => open.socket.destroy(), graceMs).unref();
  }

  /** Takes no more connections. */
  close(): void {
    this.#server.close();
  }
}
