import type { SidecarReport, StatusReport, TrafficReport } from "../api/index.ts";
import { ask, type Connection } from "./ask.ts";
import { printReport } from "./print-report.ts";
import { table } from "./print-table.ts";

export interface StatusOptions extends Connection {
  readonly json: boolean;
}

/** `meshwright status`. The exit status is 1 when the control plane does not answer. */
export async function status({ json, ...connection }: StatusOptions): Promise<void> {
  const report = (await ask(connection, "/api/v1/status")) as StatusReport | undefined;
  if (report !== undefined) printReport(json, report, () => formatStatus(report));
}

/** The report as lines for people. */
export function formatStatus({ configuration, sidecars }: StatusReport): string[] {
  const lines = table([
    ["NODE", "SERVICE", "ENVOY", "XDS", "STATE", "REQ/S", "5XX", "MEMORY", "FILTERS"],
    ...sidecars.map(row),
  ]);
  for (const { node, rejections, reason } of sidecars) {
    if (reason !== undefined) lines.push("", `${node} is served nothing: ${reason}`);
    for (const { type, resource, message } of rejections)
      lines.push("", `${node} rejected ${type} ${resource}:`, `  ${message}`);
  }
  if (configuration.refused.length > 0) {
    lines.push("", "The latest change is refused, and what was served before is still served:");
    lines.push(...configuration.refused.map((problem) => `  ${problem}`));
  }
  return lines;
}

function row({ node, service, envoy, wasm, protocol, state, traffic, filters }: SidecarReport): string[] {
  const shown = filters.map(({ policy, module, delivery, running }) => {
    const what = delivery === "synced" ? (running ?? "accepted") : delivery;
    return `${policy} ${what} (${module.slice(0, 8)})`;
  });
  return [
    node,
    service,
    wasm === false ? `${envoy ?? ""} without Wasm` : (envoy ?? ""),
    protocol ?? "",
    state,
    ...formatTraffic(traffic),
    shown.length === 0 ? "none" : shown.join(", "),
  ];
}

function formatTraffic(traffic: TrafficReport | undefined): string[] {
  if (traffic === undefined) return ["-", "-", "-"];
  const { requestsPerSecond: requests, errors5xxPerSecond: errors, memoryBytes: memory } = traffic;
  return [
    requests.toFixed(1),
    requests === 0 ? "-" : `${((100 * errors) / requests).toFixed(2)} %`,
    memory === undefined ? "-" : `${(memory / 2 ** 20).toFixed(1)} MiB`,
  ];
}
