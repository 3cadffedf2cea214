import type { LimitsReport } from "../api/index.ts";
import { ask, type Connection } from "./ask.ts";
import { printReport } from "./print-report.ts";
import { table } from "./print-table.ts";

export interface LimitsOptions extends Connection {
  readonly json: boolean;
}

/** `meshwright limits`. The exit status is 1 when the control plane does not answer. */
export async function limits({ json, ...connection }: LimitsOptions): Promise<void> {
  const report = (await ask(connection, "/api/v1/limits")) as LimitsReport | undefined;
  if (report !== undefined) printReport(json, report, () => formatLimits(report));
}

/** The report as lines for people. */
export function formatLimits({ sidecars, limits: all, exempt }: LimitsReport): string[] {
  if (all.length === 0) return ["no sidecar has told of a limit yet"];
  const rows = all.map((one) => [
    one.limit,
    one.allowedPerSecond.toFixed(1),
    one.limitedPerSecond.toFixed(1),
    String(one.allowed),
    String(one.limited),
    String(one.shadowLimited),
  ]);
  return [
    ...table([["LIMIT", "ALLOWED/S", "LIMITED/S", "ALLOWED", "LIMITED", "SHADOW"], ...rows]),
    ...(exempt === 0 ? [] : ["", `${exempt} requests were exempt`]),
    "",
    `told by ${sidecars} sidecar${sidecars === 1 ? "" : "s"}; the keys of limits for the whole fleet: meshwright quota`,
  ];
}
