import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ENVOY_LOG_FORMAT, EnvoyLog } from "../filter/dev/envoy-log.ts";

/** A filter that is tried. */
export interface ShadowFilter {
  readonly name: string;
  readonly rootId: string;
  readonly module: Uint8Array;
  readonly configuration: string | undefined;
  readonly vmConfiguration: string | undefined;
}

const START_MS = 20_000;
const REQUESTS = 200;
const REQUEST_MS = 5_000;
/** What speaks against a filter is said with this many lines of Envoy's log at most. */
const MAX_LINES = 5;

const paths = ["/", "/api/v1/items?page=2", "/login", "/static/app.js"];

/**
 * Runs filters in an Envoy of their own, with no upstream but itself, and sends them some requests. What they answer is their business: found is
 * only what Envoy refuses, and what traps.
 * @returns what speaks against them.
 * @throws Error when Envoy cannot be run, or does not come up for a reason of its own.
 */
export async function tryInEnvoy(binary: string, filters: readonly ShadowFilter[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-shadow-"));
  try {
    return await runIn(folder, binary, filters);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, binary: string, filters: readonly ShadowFilter[]): Promise<readonly string[]> {
  const admin = join(folder, "admin");
  writeFileSync(join(folder, "envoy.json"), JSON.stringify(bootstrap(folder, filters)));
  const child = spawn(
    binary,
    [
      ...["--config-path", join(folder, "envoy.json"), "--admin-address-path", admin],
      ...["--concurrency", "1", "--disable-hot-restart", "--log-format", ENVOY_LOG_FORMAT, "--log-level", "warning"],
    ],
    // What the environment of the control plane holds is nothing for a filter.
    { stdio: ["ignore", "pipe", "pipe"], env: {} },
  );
  const faults: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    const log = new EnvoyLog();
    stream.setEncoding("utf8").on("data", (text: string) => {
      for (const { kind, level, message } of log.push(text)) {
        if (kind === "trap" || (kind === "fault" && faults.length < MAX_LINES)) faults.push(message);
        else if (level === "critical" && faults.length < MAX_LINES) faults.push(message);
      }
    });
  }
  let over = false;
  const isOver = (): boolean => over;
  const closed = once(child, "close").then(
    () => (over = true),
    (error: unknown) => {
      over = true;
      throw error;
    },
  );
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new Error(`cannot run ${binary}: ${error.message}`)));
  });
  try {
    const port = await Promise.race([listenerPort(admin, isOver), failed]);
    if (port === undefined) {
      return [`Envoy does not start with them: ${faults.slice(0, MAX_LINES).join(" / ") || "it says nothing"}`];
    }
    for (let i = 0; i < REQUESTS && !isOver(); i++) {
      const path = paths[i % paths.length] ?? "/";
      const method = i % 5 === 4 ? "POST" : "GET";
      await fetch(`http://127.0.0.1:${String(port)}${path}`, {
        method,
        ...(method === "POST" ? { body: "hello" } : {}),
        signal: AbortSignal.timeout(REQUEST_MS),
      })
        .then((answer) => answer.arrayBuffer())
        // Whatever became of a request, the log says whether a filter trapped.
        .catch(() => undefined);
    }
    if (isOver()) return [`Envoy ended while requests went through them: ${faults.slice(0, MAX_LINES).join(" / ")}`];
    return faults.length === 0 ? [] : [`in Envoy: ${faults.slice(0, MAX_LINES).join(" / ")}`];
  } finally {
    child.kill("SIGKILL");
    await closed.catch(() => undefined);
  }
}

/** The port of the listener once it takes requests; undefined when Envoy ended. @throws Error when it does not come up. */
async function listenerPort(adminFile: string, isOver: () => boolean): Promise<number | undefined> {
  const end = Date.now() + START_MS;
  while (Date.now() < end) {
    if (isOver()) return undefined;
    try {
      const admin = readFileSync(adminFile, "utf8").trim();
      const ready = await fetch(`http://${admin}/ready`, { signal: AbortSignal.timeout(1_000) });
      const listeners = await fetch(`http://${admin}/listeners?format=json`, { signal: AbortSignal.timeout(1_000) });
      const { listener_statuses: found = [] } = (await listeners.json()) as ListenersAnswer;
      const port = found[0]?.local_address?.socket_address?.port_value;
      if (ready.status === 200 && port !== undefined) return port;
    } catch {
      // Not there yet.
    }
    await sleep(50);
  }
  throw new Error(`Envoy did not come up within ${START_MS / 1_000} s`);
}

interface ListenersAnswer {
  readonly listener_statuses?: readonly {
    readonly local_address?: { readonly socket_address?: { readonly port_value?: number } };
  }[];
}

function bootstrap(folder: string, filters: readonly ShadowFilter[]): object {
  const http = [
    ...filters.map((filter, i) => wasmFilter(folder, filter, i)),
    {
      name: "router",
      typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
    },
  ];
  const route = { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "hello" } } };
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "shadow",
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
    http_filters: http,
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  return {
    node: { id: "shadow", cluster: "shadow" },
    admin: { address },
    static_resources: {
      listeners: [{ name: "shadow", address, filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }] }],
    },
  };
}

function wasmFilter(folder: string, filter: ShadowFilter, i: number): object {
  const file = join(folder, `${String(i)}.wasm`);
  writeFileSync(file, filter.module);
  const text = (value: string): object => ({ "@type": "type.googleapis.com/google.protobuf.StringValue", value });
  return {
    name: filter.name,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
      config: {
        name: filter.name,
        root_id: filter.rootId,
        failure_policy: "FAIL_CLOSED",
        ...(filter.configuration === undefined ? {} : { configuration: text(filter.configuration) }),
        vm_config: {
          vm_id: `${filter.name}-${String(i)}`,
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: file } },
          ...(filter.vmConfiguration === undefined ? {} : { configuration: text(filter.vmConfiguration) }),
        },
      },
    },
  };
}
