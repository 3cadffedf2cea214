import { encodePairs } from "@meshwright/host";
import { dataStep, out, step, type Callback, type ProbeOptions, type Step } from "../../host/testdata/probe.ts";
import type { Request } from "./case.ts";
import { CREATED, SAID } from "./transcript.ts";

/** The parts that the cases' modules and requests are made of. */

/** Numbers of header maps. */
export const MAP = {
  request: 0,
  requestTrailers: 1,
  response: 2,
  responseTrailers: 3,
  grpcInitialMetadata: 4,
  grpcTrailers: 5,
  callResponse: 6,
  callTrailers: 7,
} as const;
/** Numbers of buffers. */
export const BUFFER = { request: 0, response: 1, downstream: 2, upstream: 3, callResponse: 4, grpc: 5 } as const;

/** A line of the log, without a report. */
export function say(message: string): Step {
  return { ...step("proxy_log", 5, message), quiet: true };
}

/** A callback that says its name and then takes the steps. */
export function says(name: string, steps: readonly Step[] = [], more: Omit<Callback, "steps"> = {}): Callback {
  return { steps: [say(SAID + name), ...steps], ...more };
}

/** A module that says when its streams begin and end. */
export function module(callbacks: ProbeOptions["callbacks"], more: Omit<ProbeOptions, "callbacks"> = {}): ProbeOptions {
  const ends = { proxy_on_log: says("log"), proxy_on_done: says("done") };
  return { callbacks: { proxy_on_context_create: { steps: [say(CREATED)] }, ...ends, ...callbacks }, ...more };
}

/** WAT: returns `action` as long as the stream has not ended. */
export function untilEnd(action: number): string {
  return `(if (i32.eqz (local.get 2)) (then (return (i32.const ${action}))))`;
}

export const content = (buffer: number): Step => dataStep("proxy_get_buffer_bytes", buffer, 0, 100_000, out(0), out(1));
export const bufferStatus = (buffer: number): Step => step("proxy_get_buffer_status", buffer, out(0), out(1));
export const splice = (start: number, length: number, data: string): Step =>
  step("proxy_set_buffer_bytes", BUFFER.request, start, length, data);

export const value = (map: number, name: string): Step =>
  dataStep("proxy_get_header_map_value", map, name, out(0), out(1));
export const add = (map: number, name: string, text: string): Step =>
  step("proxy_add_header_map_value", map, name, text);
export const pairs = (map: number): Step => dataStep("proxy_get_header_map_pairs", map, out(0), out(1));
export const property = (path: string): Step => dataStep("proxy_get_property", path, out(0), out(1));

/** Pairs as `proxy_send_local_response` and `proxy_http_call` take them. */
export function encoded(headers: Readonly<Record<string, string>>): Uint8Array {
  return encodePairs(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const));
}

export function get(headers: Request["headers"] = []): Request {
  return { method: "GET", path: "/p", headers };
}

export function post(body: string): Request {
  return { method: "POST", path: "/p", headers: [], body };
}
