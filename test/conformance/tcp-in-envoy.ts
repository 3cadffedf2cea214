import { EventEmitter, once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { probe } from "../../host/testdata/probe.ts";
import { Envoy } from "../support/envoy.ts";
import { freePorts, listen, portOf } from "../support/ports.ts";
import { CLUSTER } from "./case.ts";
import { envoyConfig, type Listener } from "./envoy-config.ts";
import { says } from "./modules.ts";
import { endLine, type TcpCase, type TcpStep, type TcpTranscript } from "./tcp-case.ts";
import { logTranscript, SAID } from "./transcript.ts";

const MARKER = `${SAID}marker`;
/** How long to wait for what the host says should come; it is not waited for when Envoy is as the host. */
const PATIENCE_MS = 2000;

/** One Envoy with a TCP listener for each case. Its one worker runs them one after another. */
export class TcpEnvoyRunner {
  readonly #envoy: Envoy;
  readonly #upstream: TcpUpstream;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #markerPort: number;

  private constructor(envoy: Envoy, upstream: TcpUpstream, ports: ReadonlyMap<string, number>, markerPort: number) {
    this.#envoy = envoy;
    this.#upstream = upstream;
    this.#ports = ports;
    this.#markerPort = markerPort;
  }

  static async start(cases: readonly { item: TcpCase; module: Uint8Array }[]): Promise<TcpEnvoyRunner> {
    const marker = await probe({ callbacks: { proxy_on_new_connection: { ...says("marker"), returns: 1 } } });
    const upstream = await TcpUpstream.start();
    const [adminPort = 0, markerPort = 0, ...ports] = await freePorts(cases.length + 2);
    const listeners: Listener[] = cases.map(({ module }, i) => ({ port: ports[i] ?? 0, module, tcp: true }));
    listeners.push({ port: markerPort, module: marker, tcp: true });
    const config = envoyConfig(listeners, { adminPort, clusters: { [CLUSTER]: upstream.port } });
    try {
      const envoy = await Envoy.start("envoy", JSON.stringify(config), adminPort, { concurrency: 1, logLevel: "info" });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      const portOf = new Map(cases.map(({ item }, i) => [item.name, ports[i] ?? 0]));
      return new TcpEnvoyRunner(envoy, upstream, portOf, markerPort);
    } catch (error) {
      await upstream.stop();
      throw error;
    }
  }

  /** Runs a case. `expected` is what the host made of it: each step waits for as much, and the next one follows. */
  async run(item: TcpCase, expected: TcpTranscript): Promise<TcpTranscript> {
    this.#upstream.begin();
    let from = this.#envoy.process.output.length;
    const since = async (count: number): Promise<readonly string[]> => {
      const lines = (): readonly string[] => logTranscript(this.#envoy.process.output.slice(from));
      await until(() => lines().length >= count);
      const found = lines();
      from = this.#envoy.process.output.length;
      return found;
    };
    const client = new Peer(connect({ port: this.#ports.get(item.name) ?? 0, host: "127.0.0.1", allowHalfOpen: true }));
    const log = [await since(expected.log[0]?.length ?? 0)];
    for (const [i, step] of item.steps.entries()) {
      const peer = step.from === "client" ? client : await this.#upstream.peer(expected.ends[0] !== "no upstream");
      if (peer !== undefined) act(peer, step);
      log.push(await since(expected.log[i + 1]?.length ?? 0));
    }
    const ends = (): string[] => [this.#upstream.current?.line("upstream") ?? "no upstream", client.line("client")];
    await until(() => ends().join() === expected.ends.join());
    const found = ends();
    const rest = await this.#mark(from);
    client.socket.destroy();
    this.#upstream.current?.socket.destroy();
    const last = log.pop() ?? [];
    return { log: [...log, [...last, ...rest]], ends: found };
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstream.stop();
  }

  /** Waits until the worker has logged everything of before, and gives it. */
  async #mark(from: number): Promise<string[]> {
    const socket = connect(this.#markerPort, "127.0.0.1");
    await this.#envoy.process.waitFor(new RegExp(MARKER), { from });
    const lines = logTranscript(this.#envoy.process.output.slice(from));
    socket.destroy();
    return lines.slice(0, lines.indexOf(MARKER));
  }
}

const changes = new EventEmitter().setMaxListeners(0);

/** Waits for a condition, which is looked at whenever something has come and every few milliseconds for the log. */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition() && Date.now() < end) {
    await once(changes, "changed", { signal: AbortSignal.timeout(5) }).catch(() => undefined);
  }
}

/** An end of a connection. */
class Peer {
  readonly socket: Socket;
  data = "";
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.data += bytes.toString();
      changes.emit("changed");
    });
    socket.on("error", () => undefined);
    for (const event of ["end", "close"] as const) {
      socket.on(event, () => {
        this.ended = true;
        changes.emit("changed");
      });
    }
  }

  line(name: "client" | "upstream"): string {
    return endLine(name, this.data, this.ended);
  }
}

function act({ socket }: Peer, step: TcpStep): void {
  if ("data" in step) socket.write(step.data);
  else if (step.act === "end") socket.end();
  else socket.resetAndDestroy();
}

class TcpUpstream {
  readonly #server: Server;
  current: Peer | undefined;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.current = new Peer(socket);
      changes.emit("changed");
    });
  }

  static async start(): Promise<TcpUpstream> {
    const upstream = new TcpUpstream();
    await listen(upstream.#server);
    return upstream;
  }

  get port(): number {
    return portOf(this.#server);
  }

  begin(): void {
    this.current = undefined;
  }

  /** The connection from Envoy, which is waited for if there should be one. */
  async peer(expected: boolean): Promise<Peer | undefined> {
    if (expected) await until(() => this.current !== undefined);
    return this.current;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.current?.socket.destroy();
    await closed;
  }
}
