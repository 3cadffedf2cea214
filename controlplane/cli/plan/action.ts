import { InputError } from "../../explain/input-error.ts";
import { formatProblem } from "../../model/index.ts";
import { hasChanges, type PlanReport } from "../../plan/index.ts";
import { NoAnswerError, query, type Connection } from "../ask.ts";
import { printReport } from "../print-report.ts";
import { readFiles } from "../resources/files.ts";
import { formatPlan } from "./format.ts";
import { planFolders } from "./offline.ts";

/** How long a plan may take: each filter is run on its configuration before. */
const TIMEOUT_MS = 60_000;

export interface PlanFlags extends Connection {
  readonly file?: readonly string[];
  readonly delete?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly nodes: number;
  readonly json: boolean;
  readonly exitCode: boolean;
}

/** `meshwright plan`: the exit status is 1 for a fault; with `--exit-code`, 2 when something would change. */
export async function plan(flags: PlanFlags): Promise<void> {
  try {
    const report = await makeReport(flags);
    printReport(flags.json, report, () =>
      report.problems.length > 0 ? report.problems.map(formatProblem) : formatPlan(report, flags.nodes),
    );
    if (report.problems.length > 0) process.exitCode = 1;
    else if (flags.exitCode && hasChanges(report)) process.exitCode = 2;
  } catch (error) {
    process.stderr.write(`meshwright: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function makeReport({ file = [], delete: deleted = [], from, to, ...flags }: PlanFlags): Promise<PlanReport> {
  const isOffline = from !== undefined || to !== undefined;
  const isOnline = file.length > 0 || deleted.length > 0;
  if (isOffline === isOnline)
    throw new InputError(
      "expected --file or --delete, for a running control plane, or --from and --to, for two folders",
    );
  if (isOffline) {
    if (from === undefined || to === undefined) throw new InputError("--from and --to go together");
    return planFolders(from, to);
  }
  const body = { files: await readFiles(file), delete: deleted };
  try {
    return (await query(flags, "/api/v1/plan", { method: "POST", body, timeoutMs: TIMEOUT_MS })) as PlanReport;
  } catch (error) {
    if (error instanceof NoAnswerError) throw new InputError(error.message);
    throw error;
  }
}
