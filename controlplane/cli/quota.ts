import type { QuotaReport } from "../api/index.ts";
import type { HostPort } from "../control/index.ts";
import { ask } from "./ask.ts";
import { table } from "./print-table.ts";

export interface QuotaOptions {
  readonly http: HostPort;
  readonly top: number;
  readonly json: boolean;
}

/** `meshwright quota`. The exit status is 1 when the control plane does not answer. */
export async function quota({ http, top, json }: QuotaOptions): Promise<void> {
  const report = (await ask(http, "/api/v1/quotas")) as QuotaReport | undefined;
  if (report === undefined) return;
  const shown: QuotaReport = { top: report.top.slice(0, top) };
  process.stdout.write(json ? `${JSON.stringify(shown, undefined, 2)}\n` : `${formatQuotas(shown).join("\n")}\n`);
}

/** The report as lines for people. */
export function formatQuotas({ top }: QuotaReport): string[] {
  if (top.length === 0) return ["no sidecar has told of a bucket yet"];
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
