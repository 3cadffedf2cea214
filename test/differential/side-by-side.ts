// Pairs of filter chains in one Envoy, asked the same.
import { connect } from "node:net";
import { Envoy } from "../support/envoy.ts";
import { typed } from "../support/filter-chains.ts";
import { freePorts } from "../support/ports.ts";

/** Two lists of HTTP filters that should decide alike, and the virtual hosts of each: one that answers 200 where left out. */
export interface Pair {
  readonly native: readonly object[];
  readonly ours: readonly object[];
  readonly virtualHosts?: Readonly<Record<Side, readonly object[]>>;
}
export type Side = "native" | "ours";

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
  /** Whether there is a cluster `upstream` that answers 200. */
  readonly hasUpstream?: boolean;
}

const sides = ["native", "ours"] as const;
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
    const [adminPort = 0, port = 0, upstreamPort = 0] = await freePorts(3);
    const address = (of: number): object => ({ socket_address: { address: "127.0.0.1", port_value: of } });
    const listener = {
      address: address(port),
      listener_filters: [
        { name: "proxy", typed_config: typed("listener.proxy_protocol.v3.ProxyProtocol", { stat_prefix: "p" }) },
      ],
      filter_chains: pairs.flatMap((pair, at) => sides.map((side) => chainOf(pair, at, side, settings))),
    };
    const upstream = { address: address(upstreamPort), filter_chains: [{ filters: [managerOf("upstream", [], {})] }] };
    const endpoint = { endpoint: { address: address(upstreamPort) } };
    const cluster = {
      name: "upstream",
      load_assignment: { cluster_name: "upstream", endpoints: [{ lb_endpoints: [endpoint] }] },
    };
    const { clusters = [], hasUpstream = false } = settings;
    const configuration = {
      admin: { address: address(adminPort) },
      static_resources: {
        listeners: [listener, ...(hasUpstream ? [upstream] : [])],
        clusters: [...clusters, ...(hasUpstream ? [cluster] : [])],
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

function chainOf(pair: Pair, at: number, side: Side, settings: Settings): object {
  return {
    filter_chain_match: { source_ports: [portOf(at, side)] },
    filters: [managerOf(`${side}-${at}`, pair[side], settings, pair.virtualHosts?.[side])],
  };
}

function managerOf(
  stat_prefix: string,
  filters: readonly object[],
  { manager, show = [] }: Settings,
  virtualHosts?: readonly object[],
): object {
  const route = {
    match: { prefix: "" },
    direct_response: { status: 200 },
    response_headers_to_add: show,
  };
  const config = typed("network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix,
    generate_request_id: false,
    normalize_path: false,
    ...manager,
    route_config: { virtual_hosts: virtualHosts ?? [{ name: "all", domains: ["*"], routes: [route] }] },
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
