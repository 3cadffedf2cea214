import assert from "node:assert/strict";
import { ProxyWasmHost, type HostOptions, type PluginOptions } from "../host.ts";
import type { HeadersInit } from "../header-map.ts";
import type { HttpStream } from "../http-stream.ts";
import type { Plugin } from "../plugin.ts";
import { probe, reports, step, type Callback, type ProbeOptions, type Report, type Step } from "./probe.ts";

/** Loads a probe module. Without a canary by default, so that each report is there once. */
export async function load(module: ProbeOptions, options: HostOptions = {}): Promise<ProxyWasmHost> {
  return ProxyWasmHost.load(await probe(module), { canary: false, ...options });
}

/** Loads a probe module and starts one plugin of it. */
export async function start(
  module: ProbeOptions,
  options: HostOptions & PluginOptions = {},
): Promise<{ host: ProxyWasmHost; plugin: Plugin }> {
  const host = await load(module, options);
  const plugin = host.startPlugin({ name: "p", rootId: "r", configuration: "plugin configuration", ...options });
  assert.ok(plugin.ok, plugin.reason);
  return { host, plugin };
}

/** What the steps of the module reported so far. */
export function reported(host: ProxyWasmHost): Report[] {
  return reports(messages(host));
}

export function statuses(host: ProxyWasmHost): number[] {
  return reported(host).map(({ status }) => status);
}

/** The messages that the module logged itself, without the reports. */
export function said(host: ProxyWasmHost): string[] {
  return messages(host).filter((message) => !message.startsWith("probe "));
}

function messages(host: ProxyWasmHost): string[] {
  return host.log.lines.flatMap(({ source, message }) => (source === "module" ? [message] : []));
}

/** The headers of a plain request. */
export const GET: Readonly<Record<string, string>> = {
  ":method": "GET",
  ":path": "/a?b=c",
  ":scheme": "http",
  ":authority": "h",
};
export const POST: Readonly<Record<string, string>> = { ...GET, ":method": "POST" };

/** Sends a request that ends with its headers. */
export function get(plugin: Plugin, headers: HeadersInit = GET): HttpStream {
  const stream = plugin.newHttpStream();
  stream.requestHeaders(headers, { endOfStream: true });
  return stream;
}

/** A step that says something in the log. */
export const log = (message: string): Step => ({ ...step("proxy_log", 2, message), quiet: true });

/** A callback that says something and returns something. */
export const says = (message: string, returns?: number): Callback => ({
  steps: [log(message)],
  ...(returns !== undefined && { returns }),
});

/** WAT: answers with `status` until the end of the stream, and then with Continue. */
export const untilEnd = (status: number): string =>
  `(if (i32.eqz (local.get 2)) (then (return (i32.const ${status}))))`;

/** A step that continues the request. */
export const continues: Step = { ...step("proxy_continue_stream", 0), quiet: true };

/** A plugin of a probe module, and a stream that goes through it. */
export async function probeStream(callbacks: ProbeOptions["callbacks"], more: HostOptions & PluginOptions = {}) {
  const { host, plugin } = await start({ callbacks: callbacks ?? {} }, more);
  return { host, plugin, stream: plugin.newHttpStream() };
}
