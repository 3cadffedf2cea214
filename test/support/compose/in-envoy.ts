// Probes in a real Envoy: listeners whose filters are parts of one plugin, or plugins one after another.
import { request } from "node:http";
import { Envoy } from "../envoy.ts";
import { arrived, headerLines, latin1, type Arrived, type Exchange } from "../exchange.ts";
import { freePorts } from "../ports.ts";
import { ScriptedApp } from "../scripted-app.ts";
import { byPart } from "./script.ts";

export interface Plugin {
  readonly rootId: string;
  readonly configuration: object;
}

export interface Listener {
  readonly name: string;
  readonly module: string;
  readonly plugins: readonly Plugin[];
  readonly allowOnHeadersStopIteration?: boolean;
  readonly failurePolicy?: "FAIL_RELOAD" | "FAIL_CLOSED";
}

export interface Outcome {
  /** What each part logs. */
  readonly parts: Record<string, string[]>;
  readonly upstream: Arrived | undefined;
  /** "reset" when the stream was reset. */
  readonly client: Arrived | "reset";
}

export class ComposeEnvoy {
  readonly envoy: Envoy;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #app: ScriptedApp;
  readonly #callouts: ScriptedApp;
  #exchanges = 0;

  private constructor(envoy: Envoy, ports: ReadonlyMap<string, number>, app: ScriptedApp, callouts: ScriptedApp) {
    this.envoy = envoy;
    this.#ports = ports;
    this.#app = app;
    this.#callouts = callouts;
  }

  static async start(listeners: readonly Listener[], logLevel = "info"): Promise<ComposeEnvoy> {
    const [adminPort = 0, ...free] = await freePorts(listeners.length + 1);
    const ports = new Map(listeners.map(({ name }, i) => [name, free[i] ?? 0]));
    const app = await ScriptedApp.start();
    const callouts = await ScriptedApp.start();
    try {
      const configuration = configurationOf(listeners, ports, { app: callouts.port, upstream: app.port }, adminPort);
      const envoy = await Envoy.start("compose", configuration, adminPort, { concurrency: 1, logLevel });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      return new ComposeEnvoy(envoy, ports, app, callouts);
    } catch (error) {
      await app.stop();
      await callouts.stop();
      throw error;
    }
  }

  async run(listener: string, exchange: Exchange): Promise<Outcome> {
    const id = `#${String(++this.#exchanges)}#`;
    const { client, upstream } = await this.send(listener, exchange, id);
    // The streams of an exchange end in the order of the filters.
    const [text] = await this.envoy.process.waitFor(new RegExp(`a: ${id}[^]* c: (${id})?delete\\n`));
    const lines = [...text.matchAll(/(?:^| )([abc]: .*)/gm)].map(([, line = ""]) => line.replace(id, ""));
    // What came to the upstream before a late answer is a matter of time.
    const isLate = client !== "reset" && /^(409|418)$/.test(client.start);
    return { parts: byPart(lines), upstream: isLate ? undefined : upstream, client };
  }

  async send(
    listener: string,
    exchange: Exchange,
    id = "",
  ): Promise<{ client: Arrived | "reset"; upstream: Arrived | undefined }> {
    this.#app.script(exchange.response ?? {});
    const client = await send(this.#ports.get(listener) ?? 0, exchange, id);
    const seen = this.#app.seen;
    const upstream = seen && { ...seen, headers: seen.headers.filter((line) => !line.startsWith("x-exchange")) };
    return { client, upstream };
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
    await this.#app.stop();
    await this.#callouts.stop();
  }
}

function send(
  port: number,
  { request: message = {}, path = "/", method = "POST" }: Exchange,
  id: string,
): Promise<Arrived | "reset"> {
  const headers: Record<string, string> = { ...Object.fromEntries(message.headers ?? []), host: "test.example" };
  if (id !== "") headers["x-exchange"] = id;
  const body = (message.body ?? []).join("");
  headers[body === "" ? "content-length" : "transfer-encoding"] = body === "" ? "0" : "chunked";
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false, timeout: 10_000 });
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve("reset"));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("latin1");
        const status = String(response.statusCode);
        resolve(arrived(status, headerLines(response.rawHeaders), text, headerLines(response.rawTrailers)));
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 10 s")));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") resolve("reset");
      else reject(error);
    });
    // All in one packet, so that Envoy gets it in one piece.
    outgoing.cork();
    if (body !== "") outgoing.write(latin1(body));
    if (message.trailers !== undefined) outgoing.addTrailers([...message.trailers] as [string, string][]);
    outgoing.end();
    outgoing.uncork();
  });
}

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

const typed = (type: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.${type}`,
  ...value,
});

function configurationOf(
  listeners: readonly Listener[],
  ports: ReadonlyMap<string, number>,
  clusters: Readonly<Record<string, number>>,
  adminPort: number,
): string {
  const filter = (listener: Listener, { rootId, configuration }: Plugin): object => ({
    name: rootId,
    typed_config: typed("filters.http.wasm.v3.Wasm", {
      config: {
        name: rootId,
        root_id: rootId,
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
        allow_on_headers_stop_iteration: listener.allowOnHeadersStopIteration ?? false,
        failure_policy: listener.failurePolicy ?? "FAIL_CLOSED",
        vm_config: {
          vm_id: listener.name,
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: listener.module } },
        },
      },
    }),
  });
  const manager = (listener: Listener): object =>
    typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: listener.name,
      generate_request_id: false,
      http_protocol_options: { enable_trailers: true },
      route_config: {
        virtual_hosts: [
          { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }] },
        ],
      },
      http_filters: [
        ...listener.plugins.map((plugin) => filter(listener, plugin)),
        { name: "router", typed_config: typed("filters.http.router.v3.Router", { suppress_envoy_headers: true }) },
      ],
    });
  return JSON.stringify({
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: listeners.map((listener) => ({
        name: listener.name,
        address: address(ports.get(listener.name) ?? 0),
        filter_chains: [{ filters: [{ name: "manager", typed_config: manager(listener) }] }],
      })),
      clusters: Object.entries(clusters).map(([name, port]) => ({
        name,
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
        },
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
            explicit_http_config: { http_protocol_options: { enable_trailers: true } },
          }),
        },
      })),
    },
  });
}
