import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What stands in front of several control planes: passes connections on to one of them, another after it was told so. */
export class Balancer {
  readonly port: number;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #target: number;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client: Socket) => this.#pass(client));
  }

  static async start(target: number): Promise<Balancer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Balancer(server, target);
  }

  /** New connections go here; those that are there stay. */
  turnTo(target: number): void {
    this.#target = target;
  }

  /** What clients send over the connections that are there goes no further; what they are sent still arrives. */
  hold(): void {
    for (const client of this.#connections) client.unpipe().pause();
  }

  /** Ends the connections that are there. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  stop(): void {
    this.#server.close();
    this.cut();
  }

  #pass(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    this.#connections.add(client);
    client
      .on("error", () => server.destroy())
      .on("close", () => {
        this.#connections.delete(client);
        server.destroy();
      });
    server.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.pipe(server).pipe(client);
  }
}
