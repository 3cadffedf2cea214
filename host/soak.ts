import type { ProxyWasmHost } from "./host.ts";
import type { Plugin } from "./plugin.ts";

/** How often a module's memory is looked at. */
const WINDOWS = 8;
/** Windows in which a module may still come to the memory that it needs. */
const WARM_UP = 2;
/** How often memory may grow after that: a table that doubles once holds more by then, and one that doubles twice never stops. */
const MAX_GROWTHS = 1;
/** Of the simulated clock, so that what has a time of its own is over at some time. */
const REQUEST_MS = 5;
/** Callouts that one answer leads to, and so on. */
const MAX_ANSWERS = 10;

const MIB = 1024 * 1024;

const requests = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/api/v1/items?page=2&sort=name" },
  { method: "POST", path: "/login" },
  { method: "GET", path: "/static/app.js" },
  { method: "DELETE", path: "/api/v1/items/42" },
] as const;

const headers: Readonly<Record<string, string>> = {
  "user-agent": "soak",
  accept: "*/*",
  cookie: "session=0123456789abcdef",
  "x-request-id": "5f0c36a5-6cbb-4bd7-9a55-7a8f0b6f4a11",
};

/**
 * Sends requests through a plugin, one after another, and says what speaks against it: that it traps, or that its memory grows without end.
 * Callouts are answered with a failure, so that nothing waits for what nobody answers.
 */
export function soak(host: ProxyWasmHost, plugin: Plugin, count: number): string | undefined {
  // What it logs of each request would be kept.
  host.log.level = "critical";
  const sizes: number[] = [];
  for (let i = 0; i < count; i++) {
    const trap = request(host, plugin, i);
    if (trap !== undefined) return `request ${i + 1} of ${count}, of the same few: ${trap}`;
    if ((i + 1) % Math.ceil(count / WINDOWS) === 0) sizes.push(plugin.memorySize);
  }
  sizes.push(plugin.memorySize);
  const after = sizes.slice(WARM_UP);
  const growths = after.filter((size, i) => size > (after[i - 1] ?? size)).length;
  if (growths <= MAX_GROWTHS) return undefined;
  const [first = 0, last = 0] = [after[0], after.at(-1)].map((size = 0) => size / MIB);
  return `its memory grows with the requests: from ${first.toFixed(1)} to ${last.toFixed(1)} MiB in ${count} requests of the same few, in ${growths} steps`;
}

function request(host: ProxyWasmHost, plugin: Plugin, i: number): string | undefined {
  const { method, path } = requests[i % requests.length] ?? requests[0];
  const stream = plugin.newHttpStream();
  stream.requestHeaders(
    { ":method": method, ":path": path, ":authority": "soak.example", ":scheme": "http", ...headers },
    { endOfStream: true },
  );
  answerCallouts(plugin);
  const isPassed = (): boolean => plugin.trap === undefined && stream.localResponse === undefined && !stream.paused;
  if (isPassed()) {
    stream.responseHeaders({ ":status": "200", "content-type": "text/plain" });
    answerCallouts(plugin);
    if (isPassed()) stream.responseBody("hello", { endOfStream: true });
  }
  stream.close();
  host.clock.advance(REQUEST_MS);
  answerCallouts(plugin);
  return plugin.trap;
}

function answerCallouts(plugin: Plugin): void {
  for (let round = 0; round < MAX_ANSWERS; round++) {
    if (plugin.trap !== undefined || plugin.httpCalls.length + plugin.grpcCalls.length === 0) return;
    for (const call of plugin.httpCalls.slice()) call.fail();
    for (const call of plugin.grpcCalls.slice()) if (call.pending) call.end({ status: 14, message: "soak" });
  }
}
