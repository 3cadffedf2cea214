import {
  addFigures,
  checkConfiguration,
  experimentsOf,
  formatStanding,
  readFigures,
  standingsOf,
  STATS_PATH,
  type Figures,
} from "../../ab/index.ts";
import { formatHostPort, type HostPort } from "../../control/index.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import { NOT_SO } from "../fail.ts";
import { table } from "../print-table.ts";

export interface StatusFlags {
  readonly admin: readonly HostPort[];
  readonly policy?: string;
  readonly module?: string;
  readonly json: boolean;
}

/** `meshwright ab status`. The exit status is 1 if keys of an experiment are not split as its weights say. */
export async function status(configuration: string, flags: StatusFlags): Promise<void> {
  const subject = await loadSubject("ab-routing", configuration, flags);
  await checkConfiguration(subject);
  const figures = addFigures(await Promise.all(flags.admin.map(figuresOf)));
  const standings = standingsOf(experimentsOf(subject.configuration), figures);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ envoys: flags.admin.length, experiments: standings }, null, 2)}\n`);
  } else {
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
