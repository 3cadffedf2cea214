import type { HeldReport, SidecarReport, StatusReport, TrafficReport, WithoutFiltersReport } from "../api/index.ts";
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
export function formatStatus({ configuration, sidecars }: StatusReport, now = Date.now()): string[] {
  const lines = table([
    ["NODE", "SERVICE", "ENVOY", "XDS", "STATE", "LAG", "REQ/S", "5XX", "MEMORY", "FILTERS"],
    ...sidecars.map(row),
  ]);
  for (const { node, rejections, reason, withoutFilters } of sidecars) {
    if (reason !== undefined) lines.push("", `${node} is served nothing: ${reason}`);
    if (withoutFilters !== undefined) lines.push("", ...formatWithoutFilters(node, withoutFilters));
    for (const { type, resource, message } of rejections)
      lines.push("", `${node} rejected ${type} ${resource}:`, `  ${message}`);
  }
  lines.push(...formatFaults(configuration), ...formatEnding(configuration, now));
  return lines;
}

function formatWithoutFilters(node: string, { reason, refusing, passing }: WithoutFiltersReport): string[] {
  return [
    `${node} runs no filters: ${reason}`,
    ...(refusing.length === 0 ? [] : [`  it refuses every request in place of ${refusing.join(", ")}`]),
    ...(passing.length === 0
      ? []
      : [`  it lets every request pass in place of ${passing.join(", ")}, which fails open`]),
  ];
}

function formatFaults({ refused, kept, leftOut }: StatusReport["configuration"]): string[] {
  if (refused.length === 0) return [];
  const faults = refused.map((problem) => `  ${problem}`);
  if (kept.length === 0 && leftOut.length === 0)
    return ["", "The latest change is refused, and what was served before is still served:", ...faults];
  const shown = (title: string, all: readonly HeldReport[]): string[] =>
    all.length === 0
      ? []
      : [
          "",
          title,
          ...all.map(({ resource, with: root }) => `  ${resource}${root === undefined ? "" : `, with ${root}`}`),
        ];
  return [
    ...["", "Faulty, while all else is served:", ...faults],
    ...shown("Served as before, until this is mended:", kept),
    ...shown("Not served, until this is mended:", leftOut),
  ];
}

function formatEnding({ ending }: StatusReport["configuration"], now: number): string[] {
  if (ending.length === 0) return [];
  const shown = ending.map(({ certificate, endsAt }) => {
    const isOver = Date.parse(endsAt) <= now;
    return `  ${certificate} ${isOver ? "ended" : "ends"} at ${endsAt}`;
  });
  return ["", "Certificates to be replaced:", ...shown];
}

function row({ node, service, envoy, wasm, protocol, state, lag, traffic, filters }: SidecarReport): string[] {
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
    lag === undefined ? "-" : `${lag.seconds.toFixed(1)} s`,
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
