import type { SidecarReport, StatusReport } from "../api/index.ts";
import { formatHostPort, type HostPort } from "../control/index.ts";
import { table } from "./print-table.ts";

export interface StatusOptions {
  readonly http: HostPort;
  readonly json: boolean;
}

/** `meshwright status`. The exit status is 1 when the control plane does not answer. */
export async function status({ http, json }: StatusOptions): Promise<void> {
  const url = `http://${formatHostPort(http)}/api/v1/status`;
  let report: StatusReport;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`status ${String(response.status)}`);
    report = (await response.json()) as StatusReport;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    process.stderr.write(
      `meshwright: no status from ${url}: ${cause instanceof Error ? cause.message : String(cause)}\n`,
    );
    process.exitCode = 1;
    return;
  }
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : `${formatStatus(report).join("\n")}\n`);
}

/** The report as lines for people. */
export function formatStatus({ configuration, sidecars }: StatusReport): string[] {
  const lines = table([["NODE", "SERVICE", "ENVOY", "XDS", "STATE", "FILTERS"], ...sidecars.map(row)]);
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

function row({ node, service, envoy, protocol, state, filters }: SidecarReport): string[] {
  const shown = filters.map(({ policy, module, delivery, running }) => {
    const what = delivery === "synced" ? (running ?? "accepted") : delivery;
    return `${policy} ${what} (${module.slice(0, 8)})`;
  });
  return [node, service, envoy ?? "", protocol ?? "", state, shown.length === 0 ? "none" : shown.join(", ")];
}
