import type { IncomingMessage, ServerResponse } from "node:http";
import {
  describe,
  type Command,
  type CommandResult,
  type RecordEvent,
  type RolloutView,
  type Version,
} from "../rollout/index.ts";
import { includesRole, type ApiCaller } from "../security/index.ts";
import { sendFresh } from "./fresh.ts";
import { rolloutDiff, rolloutTrail } from "./rollout-details.ts";
import type { SourceFaults } from "./rollout-faults.ts";
import { Paced } from "./paced.ts";
import { rolloutsOverview, type RolloutsOverview } from "./rollout-overview.ts";
import { rolloutsReport, runSummary, type RolloutReport, type RunSummary } from "./rollouts-report.ts";
import { send } from "./send.ts";

/** What the API needs of the controller of Rollouts. */
export interface RolloutsSource {
  readonly views: readonly RolloutView[];
  view(rollout: string): RolloutView | undefined;
  log(rollout: string): Promise<readonly RecordEvent[]>;
  version(id: string): Promise<Version>;
  command(rollout: string, command: Command, by: string): Promise<CommandResult>;
  start(rollout: string, by: string): Promise<CommandResult>;
  retry(rollout: string, by: string): Promise<CommandResult>;
  undo(rollout: string, by: string): Promise<CommandResult>;
}

/** The runs of a Rollout, the latest first, and all that happened, the first first. */
export interface RolloutHistory {
  readonly runs: readonly RunSummary[];
  readonly events: readonly { readonly at: string; readonly type: string; readonly text: string }[];
}

/** What a command answers: what happened by it, in sentences, and how the Rollout is then. */
export interface CommandReport {
  readonly done: readonly string[];
  readonly rollout: RolloutReport | undefined;
}

export const ROLLOUT_COMMANDS = ["start", "pause", "resume", "approve", "promote", "abort", "retry", "undo"] as const;
export type RolloutCommand = (typeof ROLLOUT_COMMANDS)[number];

/** What is told of one Rollout besides how it is. */
const DETAILS = ["history", "trail", "diff"] as const;
type Detail = (typeof DETAILS)[number];

const PATH = /^\/api\/v1\/rollouts(?:\/([^/]{1,253})(?:\/([a-z]+))?)?$/;

export const rolloutPaths = [
  "/api/v1/rollouts",
  "/api/v1/rollouts/<name>",
  "/api/v1/rollouts/<name>/<history|trail|diff>",
  `/api/v1/rollouts/<name>/<${ROLLOUT_COMMANDS.join("|")}>`,
];

export function isRolloutPath(path: string): boolean {
  return PATH.test(path);
}

/**
 * Answers a request about Rollouts: reads to every caller, commands to operators.
 * @param faults of the source, as they are at any time.
 */
export async function handleRollouts(
  source: RolloutsSource,
  faults: SourceFaults,
  caller: ApiCaller,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, encoded, what] = PATH.exec(path) ?? [];
  const name = encoded === undefined ? undefined : decode(encoded);
  const command = ROLLOUT_COMMANDS.find((one) => one === what);
  const detail = DETAILS.find((one) => one === what);
  const allowed = command === undefined ? ["GET", "HEAD"] : ["POST"];
  if (name !== undefined && source.view(name) === undefined) {
    send(response, 404, { error: `there is no Rollout ${JSON.stringify(name)}` });
  } else if (what !== undefined && detail === undefined && command === undefined) {
    send(response, 404, { error: `nothing at ${path}`, paths: rolloutPaths });
  } else if (!allowed.includes(request.method ?? "")) {
    response.setHeader("allow", allowed.join(", "));
    send(response, 405, { error: `expected ${allowed.join(" or ")}, found ${request.method ?? "no method"}` });
  } else if (command !== undefined && !includesRole(caller.role, "operator")) {
    send(response, 403, { error: `${path} needs the role operator, and ${caller.name} has the role ${caller.role}` });
  } else {
    try {
      await answer(source, faults, caller, { name, command, detail }, response);
    } catch (error) {
      send(response, 503, { error: error instanceof Error ? error.message : String(error) });
    }
  }
}

interface Question {
  readonly name: string | undefined;
  readonly command: RolloutCommand | undefined;
  readonly detail: Detail | undefined;
}

async function answer(
  source: RolloutsSource,
  faults: SourceFaults,
  caller: ApiCaller,
  { name, command, detail }: Question,
  response: ServerResponse,
): Promise<void> {
  if (name === undefined) {
    const isBrief = new URLSearchParams((response.req.url ?? "").split("?", 2)[1]).has("brief");
    if (isBrief) await sendFresh(response, await overviewOf(source, faults).get());
    else send(response, 200, rolloutsReport(source.views, faults));
  } else if (command !== undefined) {
    const result = await obey(source, name, command, caller.name);
    overviewOf(source, faults).forget();
    if (!result.ok) send(response, 409, { error: result.message });
    else
      send(response, 200, {
        done: result.events.map(describe),
        rollout: reportOf(source, faults, name),
      } satisfies CommandReport);
  } else if (detail !== undefined) await sendDetail(source, caller, name, detail, response);
  else send(response, 200, reportOf(source, faults, name) ?? {});
}

/** One for all who ask. */
const overviews = new WeakMap<RolloutsSource, Paced<RolloutsOverview>>();

function overviewOf(source: RolloutsSource, faults: SourceFaults): Paced<RolloutsOverview> {
  let paced = overviews.get(source);
  if (paced === undefined) overviews.set(source, (paced = new Paced(() => rolloutsOverview(source.views, faults))));
  return paced;
}

async function sendDetail(
  source: RolloutsSource,
  caller: ApiCaller,
  name: string,
  detail: Detail,
  response: ServerResponse,
): Promise<void> {
  const view = source.view(name);
  if (detail === "history" || view === undefined) await sendFresh(response, await history(source, name));
  else if (detail === "trail") await sendFresh(response, rolloutTrail(view));
  else {
    const { plan, record } = view;
    // Before the first run, and where the source says something else since the last one, what a run would change.
    const isNews = record.run === undefined || plan.desired.id !== record.run.to;
    const [from, to] =
      record.run === undefined || (isNews && record.run.endedAt !== undefined)
        ? [plan.stable, plan.desired]
        : [await source.version(record.run.from), await source.version(record.run.to)];
    await sendFresh(response, rolloutDiff(from, to, includesRole(caller.role, "operator")));
  }
}

function obey(source: RolloutsSource, name: string, command: RolloutCommand, by: string): Promise<CommandResult> {
  return command === "start" || command === "retry" || command === "undo"
    ? source[command](name, by)
    : source.command(name, command, by);
}

function reportOf(source: RolloutsSource, faults: SourceFaults, name: string): RolloutReport | undefined {
  const view = source.view(name);
  return view && rolloutsReport([view], faults).rollouts[0];
}

async function history(source: RolloutsSource, name: string): Promise<RolloutHistory> {
  const record = source.view(name)?.record;
  const runs = record === undefined ? [] : [...record.past, ...(record.run === undefined ? [] : [record.run])];
  return {
    runs: runs.map(runSummary).reverse(),
    events: (await source.log(name)).map((event) => ({
      at: new Date(event.at).toISOString(),
      type: event.type,
      text: describe(event),
    })),
  };
}

/** A name that is not encoded well names nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
