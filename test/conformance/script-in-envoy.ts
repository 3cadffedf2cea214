import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { probe, step } from "../../host/testdata/probe.ts";
import { Envoy } from "../support/envoy.ts";
import { freePorts, listen, portOf } from "../support/ports.ts";
import { CLUSTER, SILENT_CLUSTER, type Case } from "./case.ts";
import { envoyConfig, type Listener } from "./envoy-config.ts";
import {
  arrivedLine,
  CALLOUT_ANSWER,
  CALLOUT_PATH,
  NOTHING,
  SCRIPTED_HEADERS,
  SCRIPTED_TRAILERS,
  type Script,
  type ScriptedMessage,
  type ScriptOutcome,
} from "./script.ts";
import { piecesOf } from "./script-in-host.ts";
import { SilentServer } from "./silent-server.ts";
import { logTranscript, SAID } from "./transcript.ts";

const MARKER = `${SAID}marker`;
/** How long to wait for what the host says should come; it is not waited for where Envoy is as the host. */
const PATIENCE_MS = 1500;
const LOOK_EVERY_MS = 1;

/** One Envoy with a listener for each script. Its one worker runs them one after another. */
export class ScriptRunner {
  readonly #envoy: Envoy;
  readonly #upstream: ScriptedUpstream;
  readonly #silent: SilentServer;
  readonly #ports: ReadonlyMap<Script, number>;
  readonly #markerPort: number;

  private constructor(
    envoy: Envoy,
    upstream: ScriptedUpstream,
    silent: SilentServer,
    ports: ReadonlyMap<Script, number>,
    markerPort: number,
  ) {
    this.#envoy = envoy;
    this.#upstream = upstream;
    this.#silent = silent;
    this.#ports = ports;
    this.#markerPort = markerPort;
  }

  static async start(
    scripts: readonly { readonly script: Script; readonly module: Uint8Array }[],
  ): Promise<ScriptRunner> {
    const marker = await probe({
      callbacks: { proxy_on_request_headers: { steps: [{ ...step("proxy_log", 5, MARKER), quiet: true }] } },
    });
    const upstream = await ScriptedUpstream.start();
    const silent = await SilentServer.start();
    const [adminPort = 0, markerPort = 0, ...ports] = await freePorts(scripts.length + 2);
    const listeners: Listener[] = scripts.map(({ script, module }, i) => ({
      port: ports[i] ?? 0,
      module,
      item: caseOf(script),
    }));
    listeners.push({ port: markerPort, module: marker });
    const clusters = { [CLUSTER]: upstream.port, [SILENT_CLUSTER]: silent.port };
    const config = envoyConfig(listeners, { adminPort, clusters });
    try {
      const envoy = await Envoy.start("envoy", JSON.stringify(config), adminPort, { concurrency: 1, logLevel: "info" });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      const portOf = new Map(scripts.map(({ script }, i) => [script, ports[i] ?? 0]));
      return new ScriptRunner(envoy, upstream, silent, portOf, markerPort);
    } catch (error) {
      await upstream.stop();
      silent.stop();
      throw error;
    }
  }

  /** Runs a script. `expected` is what the host made of it: each step waits for as much, and the next one follows. */
  async run(script: Script, expected: ScriptOutcome): Promise<ScriptOutcome> {
    const { process } = this.#envoy;
    const from = process.output.length;
    const lines = (): readonly string[] => logTranscript(process.output.slice(from)).filter((line) => line !== MARKER);
    let counted = 0;
    const steps = expected.log.values();
    const settle = async (): Promise<void> => {
      counted += steps.next().value?.length ?? 0;
      await until(() => lines().length >= counted);
    };
    this.#upstream.begin();
    const outgoing = open(this.#ports.get(script) ?? 0, script.request);
    const answer = answerTo(outgoing);
    await send(outgoing, script.request, settle);
    await settle(); // callouts
    if (expected.upstream !== NOTHING) await until(() => this.#upstream.arrived !== undefined);
    const response = this.#upstream.response;
    if (response !== undefined) {
      response.statusCode = 200;
      for (const [name, value] of SCRIPTED_HEADERS) response.setHeader(name, value);
      if (script.response.trailers) response.setHeader("trailer", "x-trailer");
      await send(response, script.response, settle);
      await settle();
    }
    await until(() => answer.line === expected.client);
    const client = answer.line;
    outgoing.destroy();
    response?.destroy();
    await until(() => lines().length >= expected.log.flat().length);
    await this.#mark(from);
    return { log: [lines()], upstream: this.#upstream.arrived ?? NOTHING, client };
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#upstream.stop();
    this.#silent.stop();
  }

  async #mark(from: number): Promise<void> {
    const outgoing = httpRequest({ host: "127.0.0.1", port: this.#markerPort, agent: false });
    outgoing.on("error", () => undefined);
    outgoing.end();
    await this.#envoy.process.waitFor(new RegExp(MARKER), { from });
    outgoing.destroy();
  }
}

function caseOf({ name, module, allowOnHeadersStopIteration }: Script): Case {
  return { name, module, allowOnHeadersStopIteration, request: { method: "GET", path: "/p", headers: [] } };
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition() && Date.now() < end) await sleep(LOOK_EVERY_MS);
}

function open(port: number, { body, trailers }: ScriptedMessage): ClientRequest {
  const headers = [["host", "h"], ["connection", "close"], ...SCRIPTED_HEADERS];
  if (body.length > 0) headers.push(["transfer-encoding", "chunked"]);
  if (trailers) headers.push(["trailer", "x-trailer"]);
  const method = body.length === 0 ? "GET" : "POST";
  return httpRequest({ host: "127.0.0.1", port, method, path: "/p", headers: headers.flat(), agent: false });
}

/** Sends headers, pieces and the end of a message, and lets each settle; or all at once. */
async function send(
  outgoing: ClientRequest | ServerResponse,
  message: ScriptedMessage,
  settle: () => Promise<void>,
): Promise<void> {
  const pieces = piecesOf(message);
  const end = (): void => {
    if (message.trailers) outgoing.addTrailers(SCRIPTED_TRAILERS);
    outgoing.end();
  };
  if (pieces.length === 0) {
    end();
    await settle();
    return;
  }
  const count = pieces.length + 2;
  if (message.atOnce) {
    outgoing.cork();
    for (const piece of pieces) outgoing.write(piece);
    end();
    outgoing.uncork();
    for (let i = 0; i < count; ++i) await settle();
    return;
  }
  outgoing.flushHeaders();
  await settle();
  for (const piece of pieces) {
    outgoing.write(piece);
    await settle();
  }
  end();
  await settle();
}

/** What comes of the answer, as it comes. */
function answerTo(outgoing: ClientRequest): { readonly line: string } {
  let incoming: IncomingMessage | undefined;
  let body = "";
  outgoing.on("error", () => undefined);
  outgoing.on("response", (response: IncomingMessage) => {
    incoming = response;
    response.setEncoding("latin1").on("data", (text: string) => (body += text));
    response.on("error", () => undefined);
  });
  return {
    get line(): string {
      if (incoming === undefined) return NOTHING;
      const { statusCode = 0, rawHeaders, rawTrailers, complete } = incoming;
      return arrivedLine({
        status: statusCode,
        headers: pairs(rawHeaders),
        body,
        trailers: pairs(rawTrailers),
        complete,
      });
    },
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ""]] : []));
}

/** Answers callouts at once, and leaves the answer of a script's request to the runner. */
class ScriptedUpstream {
  readonly #server: Server;
  arrived: string | undefined;
  response: ServerResponse | undefined;

  private constructor() {
    this.#server = createServer((incoming, response) => {
      response.sendDate = false;
      response.on("error", () => undefined);
      if (incoming.url === CALLOUT_PATH) {
        response.end(CALLOUT_ANSWER);
        return;
      }
      let body = "";
      incoming.setEncoding("latin1").on("data", (text: string) => (body += text));
      incoming.on("error", () => undefined);
      incoming.on("end", () => {
        const { rawHeaders, rawTrailers, complete } = incoming;
        if (incoming.url !== "/p") {
          response.end();
          return;
        }
        this.response = response;
        this.arrived = arrivedLine({ headers: pairs(rawHeaders), body, trailers: pairs(rawTrailers), complete });
      });
    });
  }

  static async start(): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream();
    await listen(upstream.#server);
    return upstream;
  }

  get port(): number {
    return portOf(this.#server);
  }

  begin(): void {
    this.arrived = undefined;
    this.response = undefined;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
