import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { CommandReport, RolloutCommand, RolloutHistory, RolloutReport, RolloutsReport } from "../../api/index.ts";
import { addConnectionOptions, query, type Connection } from "../ask.ts";
import { NOT_SO, orFail, REFUSED } from "../fail.ts";
import { printReport } from "../print-report.ts";
import { formatRollout, formatRollouts } from "./format.ts";
import { EVERY_MS, pathOf, patiently, timeoutOf, waitFor, type Ending } from "./wait.ts";

interface StatusFlags extends Connection {
  readonly json: boolean;
  readonly watch: boolean;
}

interface CommandFlags extends Connection {
  readonly wait?: boolean;
}

interface WaitFlags extends Connection {
  readonly after?: string;
  readonly timeout: string;
}

const commands: readonly (readonly [name: RolloutCommand, what: string])[] = [
  ["start", "start a run for what the source says"],
  ["pause", "give nobody new the new version; those who have it keep it"],
  ["resume", "go on after a pause"],
  ["approve", "let the next wave begin, which needs approval"],
  ["promote", "give everybody the new version now"],
  ["abort", "give everybody the old version again"],
  ["retry", "start a run once more for what was rolled back"],
  ["undo", "start a run that goes back to the version before the last one that was promoted"],
];

/** Adds `meshwright rollout ...`. */
export function addRolloutCommands(program: Command): void {
  const rollout = program.command("rollout").description("show and steer how changes reach the fleet wave by wave");
  addConnectionOptions(rollout.command("status"))
    .description("show each wave, each sidecar that is not well, and what was measured")
    .argument("[name]", "a Rollout; all when left out")
    .option("--watch", "show it again and again until a key ends it", false)
    .option("--json", "print it as JSON", false)
    .action((name: string | undefined, flags: StatusFlags) => orFail(() => status(name, flags)));
  addConnectionOptions(rollout.command("history"))
    .description("show the runs of a Rollout and all that happened")
    .argument("<name>", "a Rollout")
    .option("--json", "print it as JSON", false)
    .action((name: string, flags: StatusFlags) => orFail(() => history(name, flags)));
  addConnectionOptions(rollout.command("wait"))
    .description(
      "wait until all sidecars have what the source says; the exit status is 1 when they will not, and 3 when it is refused as faulty",
    )
    .argument("<name>", "a Rollout")
    .option(
      "--after <version>",
      "what the source said before the change (`source` of status --json); what is about that does not count",
    )
    .option("--timeout <duration>", "how long at most, such as 90s, 30m or 2h", "24h")
    .action((name: string, flags: WaitFlags) => orFail(() => wait(name, flags)));
  for (const [name, what] of commands) {
    const command = addConnectionOptions(rollout.command(name)).description(what).argument("<name>", "a Rollout");
    if (["start", "retry", "undo"].includes(name)) {
      command.option("--wait", "until the run is over; the exit status is 1 when it was rolled back", false);
    }
    command.action((target: string, flags: CommandFlags) => orFail(() => obey(name, target, flags)));
  }
}

async function status(name: string | undefined, { json, watch, ...connection }: StatusFlags): Promise<void> {
  for (;;) {
    const report = await reportOf(name, connection);
    // A terminal is drawn anew from its first line.
    if (watch && process.stdout.isTTY && !json) process.stdout.write("\x1b[2J\x1b[H");
    printReport(json, report, () => formatRollouts(report));
    if (!watch) return;
    await sleep(EVERY_MS);
  }
}

async function reportOf(name: string | undefined, connection: Connection): Promise<RolloutsReport> {
  if (name === undefined) return (await query(connection, "/api/v1/rollouts")) as RolloutsReport;
  const rollout = (await query(connection, pathOf(name))) as RolloutReport;
  return { now: new Date().toISOString(), rollouts: [rollout] };
}

async function history(name: string, { json, ...connection }: StatusFlags): Promise<void> {
  const report = (await query(connection, `${pathOf(name)}/history`)) as RolloutHistory;
  printReport(json, report, () => report.events.map(({ at, text }) => `${at}  ${text}`));
}

async function obey(command: RolloutCommand, name: string, { wait, ...connection }: CommandFlags): Promise<void> {
  const { done, rollout } = (await query(connection, `${pathOf(name)}/${command}`, {
    method: "POST",
  })) as CommandReport;
  process.stdout.write(`${done.join("\n")}\n`);
  const run = rollout?.run?.number;
  if (wait !== true || run === undefined) return;
  const last = await over(name, run, connection);
  const reason = last.run?.reason;
  const isGood = last.run?.phase === "Promoted";
  const why = `rolled back (${reason?.title ?? "?"}): ${reason?.message ?? "?"}`;
  end({ report: last, ...(isGood ? {} : { reason: why }) });
}

async function wait(name: string, { after, timeout, ...connection }: WaitFlags): Promise<void> {
  const options = { timeoutMs: timeoutOf(timeout), ...(after === undefined ? {} : { after }) };
  end(await waitFor(name, options, connection, (text) => process.stdout.write(`${text}\n`)));
}

/** Tells how it ended. */
function end({ report, reason, faults }: Ending): void {
  process.stdout.write(`${formatRollout(report).join("\n")}\n`);
  if (reason === undefined) return;
  process.stderr.write([`meshwright: ${reason}`, ...(faults ?? [])].map((line) => `${line}\n`).join(""));
  process.exitCode = faults === undefined ? NOT_SO : REFUSED;
}

/** Waits until a run is over. */
async function over(name: string, run: number, connection: Connection): Promise<RolloutReport> {
  for (;;) {
    const report = await patiently(name, connection);
    if (report.run?.number !== run || report.run.endedAt !== null) return report;
    await sleep(EVERY_MS);
  }
}
