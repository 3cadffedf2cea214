import { once } from "node:events";
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage, type Server } from "node:http";
import { probe, step } from "../../host/testdata/probe.ts";
import { envoyBinary } from "../../setup/envoy.mjs";
import { Envoy } from "../support/envoy.ts";
import { freePorts, listen, portOf } from "../support/ports.ts";
import { Process } from "../support/processes.ts";
import { CLUSTER, GRPC_CLUSTER, SILENT_CLUSTER, type Case } from "./case.ts";
import { envoyConfig, type Listener } from "./envoy-config.ts";
import { GrpcServer } from "./grpc-server.ts";
import { SilentServer } from "./silent-server.ts";
import { endsTranscript, logTranscript, SAID, type ClientAnswer, type Transcript } from "./transcript.ts";

const MARKER = `${SAID}marker`;

/** One Envoy with a listener for each case. Its one worker runs them one after another. */
export class EnvoyRunner {
  readonly #envoy: Envoy;
  readonly #upstream: Upstream;
  readonly #grpc: GrpcServer;
  readonly #silent: SilentServer;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #markerPort: number;

  private constructor(
    envoy: Envoy,
    upstream: Upstream,
    grpc: GrpcServer,
    silent: SilentServer,
    ports: ReadonlyMap<string, number>,
    markerPort: number,
  ) {
    this.#envoy = envoy;
    this.#upstream = upstream;
    this.#grpc = grpc;
    this.#silent = silent;
    this.#ports = ports;
    this.#markerPort = markerPort;
  }

  static async start(cases: readonly { readonly item: Case; readonly module: Uint8Array }[]): Promise<EnvoyRunner> {
    const marker = await probe({
      callbacks: { proxy_on_request_headers: { steps: [{ ...step("proxy_log", 5, MARKER), quiet: true }] } },
    });
    const upstream = await Upstream.start();
    const grpc = await GrpcServer.start();
    const silent = await SilentServer.start();
    const [adminPort = 0, markerPort = 0, ...ports] = await freePorts(cases.length + 2);
    const listeners: Listener[] = cases.map(({ item, module }, i) => ({ port: ports[i] ?? 0, module, item }));
    listeners.push({ port: markerPort, module: marker });
    const config = envoyConfig(listeners, {
      adminPort,
      clusters: { [CLUSTER]: upstream.port, [GRPC_CLUSTER]: grpc.port, [SILENT_CLUSTER]: silent.port },
    });
    try {
      const envoy = await Envoy.start("envoy", JSON.stringify(config), adminPort, { concurrency: 1, logLevel: "info" });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      return new EnvoyRunner(
        envoy,
        upstream,
        grpc,
        silent,
        new Map(cases.map(({ item }, i) => [item.name, ports[i] ?? 0])),
        markerPort,
      );
    } catch (error) {
      await upstream.stop();
      grpc.stop();
      silent.stop();
      throw error;
    }
  }

  /** Runs a case; gives its transcript, and the address that the request came from. */
  async run(item: Case): Promise<{ transcript: Transcript; client: string }> {
    const { process } = this.#envoy;
    const from = process.output.length;
    this.#upstream.begin(item);
    const exchange = await this.#exchange(item, from);
    await this.#mark(from);
    const log = logTranscript(process.output.slice(from)).filter((line) => line !== MARKER);
    const ends = endsTranscript({ upstream: this.#upstream.got, client: exchange.answer });
    return { transcript: item.logOnly ? log : [...log, ...ends], client: exchange.client };
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstream.stop();
    this.#grpc.stop();
    this.#silent.stop();
  }

  async #exchange(item: Case, from: number): Promise<{ client: string; answer: ClientAnswer | undefined }> {
    const outgoing = send(this.#ports.get(item.name) ?? 0, item);
    const address = clientAddress(outgoing);
    if (item.leaveAt === undefined) return { answer: await answerTo(outgoing), client: await address };
    outgoing.on("error", () => undefined);
    const { process } = this.#envoy;
    await process.waitFor(item.leaveAt, { from });
    outgoing.destroy();
    await process.waitFor(/CB done/, { from });
    return { answer: undefined, client: await address };
  }

  /** Waits until the worker has logged everything of the streams before. */
  async #mark(from: number): Promise<void> {
    const request = { method: "GET", path: "/", headers: [] } as const;
    await answerTo(send(this.#markerPort, { request }));
    await this.#envoy.process.waitFor(new RegExp(MARKER), { from });
  }
}

/** What Envoy logs of a module that does not start. It ends, because such a configuration is refused. */
export async function refusedByEnvoy(module: Uint8Array): Promise<Transcript> {
  const config = envoyConfig([{ port: 0, module }], { adminPort: 0, clusters: { [CLUSTER]: 0 } });
  const args = ["--config-yaml", JSON.stringify(config), "--disable-hot-restart"];
  const process = new Process("envoy", await envoyBinary(), args);
  try {
    await process.waitFor(/Unable to create Wasm/);
    return logTranscript(process.output);
  } finally {
    await process.stop();
  }
}

function send(port: number, { request: { method, path, headers, body } }: Pick<Case, "request">): ClientRequest {
  const all = [["host", "h"], ["connection", "close"], ...headers];
  if (body !== undefined) all.push(["transfer-encoding", "chunked"]);
  // As an array, so that a name can come twice.
  const outgoing = httpRequest({ host: "127.0.0.1", port, method, path, headers: all.flat(), agent: false });
  outgoing.end(body);
  return outgoing;
}

async function clientAddress(outgoing: ClientRequest): Promise<string> {
  const [socket] = (await once(outgoing, "socket")) as [NonNullable<ClientRequest["socket"]>];
  if (socket.connecting) await once(socket, "connect");
  return `${socket.localAddress ?? ""}:${String(socket.localPort)}`;
}

async function answerTo(outgoing: ClientRequest): Promise<ClientAnswer> {
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let body = "";
  response.setEncoding("utf8").on("data", (text: string) => (body += text));
  // A reset shows in `complete`.
  response.on("error", () => undefined);
  if (!response.closed) await new Promise((resolve) => response.on("close", resolve));
  return { status: response.statusCode ?? 0, headers: pairs(response.rawHeaders), body, complete: response.complete };
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ""]] : []));
}

/** Answers every request as the case says, and keeps the body of the one that came by the case's path. */
class Upstream {
  readonly #server: Server;
  #case: Pick<Case, "request" | "answer"> | undefined;
  got: string | undefined;

  private constructor() {
    this.#server = createServer((incoming, response) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
      incoming.on("end", () => {
        if (incoming.url === this.#case?.request.path) this.got = body;
        response.end(this.#case?.answer ?? "hello");
      });
    });
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    await listen(upstream.#server);
    return upstream;
  }

  get port(): number {
    return portOf(this.#server);
  }

  begin(item: Case): void {
    this.#case = item;
    this.got = undefined;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
