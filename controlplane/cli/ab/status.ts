import {
  addFigures,
  checkConfiguration,
  experimentsOf,
  formatStanding,
  readFigures,
  standingsOf,
  STATS_PATH,
  type Figures,
  type Standing,
} from "../../ab/index.ts";
import type { ExperimentsReport } from "../../api/index.ts";
import { formatHostPort, type HostPort } from "../../control/host-port.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import { ask, type Connection } from "../ask.ts";
import { NOT_SO } from "../fail.ts";
import { table } from "../print-table.ts";

export interface StatusFlags extends Connection {
  readonly admin?: readonly HostPort[];
  readonly policy?: string;
  readonly module?: string;
  readonly json: boolean;
}

/**
 * `meshwright ab status`: by the control plane's figures, or with a configuration by those of some Envoys. The exit status is
 * 1 if keys of an experiment are not split as its weights say.
 */
export async function status(configuration: string | undefined, flags: StatusFlags): Promise<void> {
  const { admin = [] } = flags;
  if (configuration === undefined && admin.length === 0) await statusOfFleet(flags);
  else if (configuration !== undefined && admin.length > 0) await statusOfEnvoys(configuration, admin, flags);
  else {
    throw new InputError(
      "expected a configuration with --admin, for the figures of these Envoys, or neither, for those of the control plane",
    );
  }
}

async function statusOfFleet({ policy, json, ...connection }: StatusFlags): Promise<void> {
  const report = (await ask(connection, "/api/v1/experiments")) as ExperimentsReport | undefined;
  if (report === undefined) return;
  const { sidecars } = report;
  const policies = report.policies.filter((one) => policy === undefined || one.policy === policy);
  if (policies.length === 0) {
    const names = report.policies.map((one) => one.policy).join(", ");
    throw new InputError(
      policy === undefined
        ? "the control plane serves no FilterPolicy with the root id ab-routing"
        : `the control plane serves no FilterPolicy ${policy} with the root id ab-routing; there is ${names === "" ? "none" : names}`,
    );
  }
  const standings = policies.flatMap(({ experiments }) => experiments);
  print(json ? { sidecars, policies } : undefined, standings);
  if (!json) process.stdout.write(`\ntold by ${sidecars} sidecar${sidecars === 1 ? "" : "s"}\n`);
}

async function statusOfEnvoys(configuration: string, admin: readonly HostPort[], flags: StatusFlags): Promise<void> {
  const subject = await loadSubject("ab-routing", configuration, flags);
  await checkConfiguration(subject);
  const figures = addFigures(await Promise.all(admin.map(figuresOf)));
  const standings = standingsOf(experimentsOf(subject.configuration), figures);
  print(flags.json ? { envoys: admin.length, experiments: standings } : undefined, standings);
}

/** @param json printed in place of the lines for people, when given. */
function print(json: object | undefined, standings: readonly Standing[]): void {
  if (json !== undefined) process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  else {
    const lines = standings.flatMap((standing) => [...formatStanding(standing, table), ""]);
    const none = 'no experiment is measured: give it a split and "measure": true';
    process.stdout.write(`${standings.length === 0 ? none : lines.join("\n").trimEnd()}\n`);
  }
  if (standings.some(({ sampleRatio }) => sampleRatio.mismatch)) process.exitCode = NOT_SO;
}

async function figuresOf(admin: HostPort): Promise<Figures> {
  const url = `http://${formatHostPort(admin)}`;
  try {
    const response = await fetch(`${url}${STATS_PATH}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return readFigures(await response.json());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new InputError(`no figures from ${url}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
