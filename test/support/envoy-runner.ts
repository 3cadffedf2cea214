import assert from "node:assert/strict";
import { request } from "node:http";
import type { LogLevelName } from "./exchange.ts";
import {
  arrived,
  headerLines,
  latin1,
  requestLine,
  type Arrived,
  type Exchange,
  type Outcome,
  type Runner,
} from "./exchange.ts";
import { Envoy } from "./envoy.ts";
import { freePorts } from "./ports.ts";
import { ScriptedApp } from "./scripted-app.ts";
import { metadata, vmConfiguration, type PluginSetting } from "./sdk/plugins.ts";

/** Plugins in a real Envoy with one worker: a listener each, one VM for all. */
export class EnvoyRunner implements Runner {
  readonly envoy: Envoy;
  readonly ports: ReadonlyMap<string, number>;
  readonly #app: ScriptedApp;

  private constructor(envoy: Envoy, ports: ReadonlyMap<string, number>, app: ScriptedApp) {
    this.envoy = envoy;
    this.ports = ports;
    this.#app = app;
  }

  static async start(module: string, plugins: readonly PluginSetting[], vm = vmConfiguration): Promise<EnvoyRunner> {
    const [adminPort = 0, ...free] = await freePorts(plugins.length + 1);
    const ports = new Map(plugins.map(({ name }, i) => [name, free[i] ?? 0]));
    const app = await ScriptedApp.start();
    const configuration = configurationOf(module, vm, plugins, ports, app.port, adminPort);
    try {
      const envoy = await Envoy.start("sdk", configuration, adminPort, { concurrency: 1, logLevel: "info" });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      return new EnvoyRunner(envoy, ports, app);
    } catch (error) {
      await app.stop();
      throw error;
    }
  }

  async run(exchange: Exchange): Promise<Outcome> {
    const { scenario, plugin = "scenarios", response = {} } = exchange;
    const port = this.ports.get(plugin);
    assert.ok(port, `no plugin ${plugin}`);
    const from = this.envoy.process.output.length;
    this.#app.script(response);
    const client = await send(port, exchange);
    if (plugin === "scenarios") await this.envoy.process.waitFor(new RegExp(`: ${scenario}: end\\n`), { from });
    const log = [...this.envoy.process.output.slice(from).matchAll(/\]\[(\w+)\]\[wasm\] .*? wasm log[^:]*: (.*)/g)]
      .map(([, level = "", message = ""]) => ({ level, message }))
      .filter(({ message }) => message.startsWith(`${scenario}: `))
      .map(({ level, message }) => {
        // spdlog's name for warn.
        const name = level === "warning" ? "warn" : level;
        return `${name === "info" ? "" : `[${name}] `}${message.slice(scenario.length + 2)}`;
      });
    return { log, upstream: this.#app.seen, client };
  }

  async logLevel(level: LogLevelName): Promise<void> {
    await this.envoy.admin(`/logging?wasm=${level}`, "POST");
  }

  metric(name: string): Promise<number> {
    return this.envoy.stat(`wasmcustom.${name}`);
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
    await this.#app.stop();
  }
}

/** Sends the request; undefined when the stream was reset. */
function send(port: number, exchange: Exchange): Promise<Arrived | undefined> {
  const { request: message = {}, scenario } = exchange;
  const [method, path] = requestLine(exchange);
  const lines: Record<string, string[]> = {};
  for (const [name, value] of message.headers ?? []) (lines[name] ??= []).push(value);
  if (message.trailers !== undefined) lines["transfer-encoding"] = ["chunked"];
  const headers = { ...lines, host: "test.example", "x-scenario": scenario };
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === "ECONNRESET") resolve(undefined);
      else reject(error);
    };
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false, timeout: 10_000 });
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", failed);
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString("latin1");
        const status = String(response.statusCode);
        resolve(arrived(status, headerLines(response.rawHeaders), body, headerLines(response.rawTrailers)));
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${scenario} in 10 s`)));
    outgoing.on("error", failed);
    for (const chunk of message.body ?? []) outgoing.write(latin1(chunk));
    if (message.trailers !== undefined) outgoing.addTrailers([...message.trailers] as [string, string][]);
    outgoing.end();
  });
}

const stringValue = (value: string): object => ({ "@type": "type.googleapis.com/google.protobuf.StringValue", value });

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

const typed = (type: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.${type}`,
  ...value,
});

function configurationOf(
  module: string,
  vm: string,
  plugins: readonly PluginSetting[],
  ports: ReadonlyMap<string, number>,
  appPort: number,
  adminPort: number,
): string {
  const listener = (plugin: PluginSetting): object => ({
    name: plugin.name,
    address: address(ports.get(plugin.name) ?? 0),
    filter_chains: [{ filters: [{ name: "manager", typed_config: manager(plugin) }] }],
  });

  const manager = ({ name, rootId, configuration, allowOnHeadersStopIteration = false }: PluginSetting): object =>
    typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: name,
      generate_request_id: false,
      http_protocol_options: { enable_trailers: true },
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
      http_filters: [
        {
          name,
          typed_config: typed("filters.http.wasm.v3.Wasm", {
            config: {
              name,
              root_id: rootId,
              configuration: stringValue(JSON.stringify(configuration)),
              allow_on_headers_stop_iteration: allowOnHeadersStopIteration,
              vm_config: {
                vm_id: "sdk",
                runtime: "envoy.wasm.runtime.v8",
                configuration: stringValue(vm),
                code: { local: { filename: module } },
              },
            },
          }),
        },
        { name: "router", typed_config: typed("filters.http.router.v3.Router", { suppress_envoy_headers: true }) },
      ],
    });

  const routes = [
    {
      match: { prefix: "/", headers: [{ name: "x-route", string_match: { exact: "c" } }] },
      route: { cluster: "app" },
      request_headers_to_add: [{ header: { key: "x-routed", value: "c" } }],
    },
    {
      match: { prefix: "/", filter_state: [{ key: "wasm.sdk.route", string_match: { exact: "b" } }] },
      route: { cluster: "app" },
      request_headers_to_add: [{ header: { key: "x-routed", value: "b" } }],
    },
    { match: { prefix: "/" }, route: { cluster: "app" }, metadata: { filter_metadata: { sdk: metadata } } },
  ];

  return JSON.stringify({
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: plugins.map(listener),
      clusters: [
        {
          name: "app",
          load_assignment: {
            cluster_name: "app",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(appPort) } }] }],
          },
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
              explicit_http_config: { http_protocol_options: { enable_trailers: true } },
            }),
          },
        },
      ],
    },
  });
}
