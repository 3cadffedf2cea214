import type { QuotaReport } from "../api/index.ts";
import type { Consumption, Ranking } from "../quota/index.ts";
import { ask, type Connection } from "./ask.ts";
import { printReport } from "./print-report.ts";
import { table } from "./print-table.ts";

export interface QuotaOptions extends Connection {
  readonly top: number;
  readonly by: Ranking;
  readonly json: boolean;
}

/** `meshwright quota`. The exit status is 1 when the control plane does not answer. */
export async function quota({ top, by, json, ...connection }: QuotaOptions): Promise<void> {
  const report = (await ask(connection, "/api/v1/quotas")) as QuotaReport | undefined;
  if (report === undefined) return;
  const shown = (by === "denied" ? report.mostDenied : report.top).slice(0, top);
  printReport(json, { top: shown }, () => formatQuotas(shown, by));
}

/** The report as lines for people. */
export function formatQuotas(top: readonly Consumption[], by: Ranking): string[] {
  if (top.length === 0) {
    return [by === "denied" ? "no request was refused lately" : "no sidecar has told of a bucket yet"];
  }
  const rows = top.map((one) => [
    one.quota,
    one.allowedPerSecond.toFixed(1),
    one.deniedPerSecond.toFixed(1),
    String(one.remaining),
    String(one.sidecars),
    one.domain,
    Object.entries(one.bucket)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
  ]);
  return table([["QUOTA", "ALLOWED/S", "DENIED/S", "REMAINING", "SIDECARS", "DOMAIN", "BUCKET"], ...rows]);
}
