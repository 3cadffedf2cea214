// Pairs of filter chains in one Envoy, asked the same.
import { connect } from "node:net";
import { Envoy } from "../support/envoy.ts";
import { typed } from "../support/filter-chains.ts";
import { freePorts } from "../support/ports.ts";

const sides = ["native", "ours"] as const;
export type Side = (typeof sides)[number];

/** Two lists of HTTP filters that should decide alike. */
export interface Pair extends Readonly<Record<Side, readonly object[]>> {
  /** Routes of each side in Envoy's JSON. When left out, every request is answered with 200. */
  readonly routes?: Readonly<Record<Side, readonly object[]>>;
  /** What the virtual host of each side says beside its routes. */
  readonly hosts?: Readonly<Record<Side, object>>;
}

/** How a client is connected; Envoy learns it by the PROXY protocol. */
export interface Connection {
  readonly source: string;
  readonly port: number;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Answer {
  readonly status: number;
  readonly head: string;
}

/** Of the connection manager that all chains have. */
export interface Settings {
  readonly manager?: object;
  /** Headers of answers that pass. */
  readonly show?: readonly object[];
  readonly clusters?: readonly object[];
  /** Names of clusters that answer with 200; answers tell the name as `x-cluster`. */
  readonly answering?: readonly string[];
}

/** The first port from which a client calls; each chain has one. */
const firstPort = 2000;

export class SideBySide {
  readonly envoy: Envoy;
  readonly #port: number;

  private constructor(envoy: Envoy, port: number) {
    this.envoy = envoy;
    this.#port = port;
  }

  static async start(pairs: readonly Pair[], settings: Settings = {}): Promise<SideBySide> {
    const [adminPort = 0, port = 0, backendPort = 0] = await freePorts(3);
    const listener = {
      address: address(port),
      listener_filters: [
        { name: "proxy", typed_config: typed("listener.proxy_protocol.v3.ProxyProtocol", { stat_prefix: "p" }) },
      ],
      filter_chains: pairs.flatMap((pair, at) => sides.map((side) => chainOf(pair, at, side, settings))),
    };
    const { clusters = [], answering = [] } = settings;
    const backend = {
      address: address(backendPort),
      filter_chains: [{ filters: [managerOf("backend", [], [answer])] }],
    };
    const configuration = {
      admin: { address: address(adminPort) },
      static_resources: {
        listeners: answering.length === 0 ? [listener] : [listener, backend],
        clusters: [...clusters, ...answering.map((name) => clusterOf(name, backendPort))],
      },
    };
    const envoy = await Envoy.start("side by side", JSON.stringify(configuration), adminPort, {
      concurrency: 1,
      logLevel: "error",
    });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"), 60_000);
    return new SideBySide(envoy, port);
  }

  /** Sends requests over one connection to one side of a pair. */
  ask(pair: number, side: Side, { source, port }: Connection, requests: readonly Request[]): Promise<Answer[]> {
    const [family, target] = source.includes(":") ? ["TCP6", "2001:db8:ffff::1"] : ["TCP4", "192.0.2.200"];
    const texts = requests.map(({ method, path, host, headers }) =>
      [
        `${method} ${path} HTTP/1.1`,
        `host: ${host}`,
        ...headers.map(([name, value]) => `${name}: ${value}`),
        "",
        "",
      ].join("\r\n"),
    );
    const proxy = `PROXY ${family} ${source} ${target} ${portOf(pair, side)} ${port}\r\n`;
    return exchange(this.#port, proxy, texts);
  }

  stop(): Promise<void> {
    return this.envoy.stop();
  }
}

function portOf(pair: number, side: Side): number {
  return firstPort + 2 * pair + sides.indexOf(side);
}

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
const answer = { match: { prefix: "" }, direct_response: { status: 200 } };
const clusterName = { header: { key: "x-cluster", value: "%UPSTREAM_CLUSTER%" } };

function clusterOf(name: string, port: number): object {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }];
  return { name, load_assignment: { cluster_name: name, endpoints } };
}

function chainOf(pair: Pair, at: number, side: Side, { manager = {}, show = [], answering }: Settings): object {
  const headers = answering === undefined ? show : [...show, clusterName];
  const routes = (pair.routes?.[side] ?? [answer]).map((route) => ({ ...route, response_headers_to_add: headers }));
  return {
    filter_chain_match: { source_ports: [portOf(at, side)] },
    filters: [managerOf(`${side}-${at}`, pair[side], routes, manager, pair.hosts?.[side])],
  };
}

function managerOf(
  name: string,
  filters: readonly object[],
  routes: readonly object[],
  more: object = {},
  host: object = {},
): object {
  const config = typed("network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: name,
    generate_request_id: false,
    normalize_path: false,
    ...more,
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes, ...host }] },
    http_filters: [...filters, { name: "router", typed_config: typed("http.router.v3.Router", {}) }],
  });
  return { name: "manager", typed_config: config };
}

/** Sends requests one after another, as Envoy takes them, and reads the answers. */
function exchange(port: number, before: string, requests: readonly string[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const answers: Answer[] = [];
    let text = "";
    const next = (): boolean => socket.write(requests[answers.length] ?? "", "latin1");
    const failed = (why: string): Error => new Error(`${why} to ${JSON.stringify(requests[answers.length])}: ${text}`);
    socket
      .setEncoding("latin1")
      .setNoDelay()
      .setTimeout(10_000, () => socket.destroy(failed("no answer in 10 s")));
    socket.on("error", reject);
    socket.on("close", () => reject(failed("no whole answer")));
    socket.on("data", (more: string) => {
      text += more;
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end);
      const size = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + size) return;
      answers.push({ status: Number(head.slice(9, 12)), head });
      text = "";
      if (answers.length < requests.length) next();
      else {
        resolve(answers);
        socket.destroy();
      }
    });
    socket.write(before, "latin1");
    next();
  });
}

/** Does work on items, several at a time. */
export async function inParallel<T>(items: readonly T[], work: (item: T, at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T, at);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
