import { stringify } from "yaml";
import type { ChangeReport, History, ResourceList } from "../../api/index.ts";
import { InputError } from "../../explain/input-error.ts";
import { joinDocuments, keyOf, type Conflict, type Revision, type StoredResource } from "../../journal/index.ts";
import { formatProblem } from "../../model/index.ts";
import { NoAnswerError, query, type Connection, type Question } from "../ask.ts";
import { table } from "../print-table.ts";
import { readFiles } from "./files.ts";

/** How long a change may take: each filter is run on its configuration before it is accepted. */
const TIMEOUT_MS = 60_000;

export interface Flags extends Connection {
  readonly output?: "json" | "yaml";
}

export interface ChangeFlags extends Flags {
  readonly dryRun: boolean;
  readonly message?: string;
  readonly base?: string;
}

export async function apply({ file, ...flags }: ChangeFlags & { readonly file: string[] }): Promise<void> {
  const body = { files: await readFiles(file), message: flags.message ?? "" };
  printChange(await post(flags, "apply", body), flags);
}

export async function rollback(revision: string, flags: ChangeFlags): Promise<void> {
  const body = { revision: Number(revision), ...(flags.message === undefined ? {} : { message: flags.message }) };
  printChange(await post(flags, "rollback", body), flags);
}

export async function remove(resources: string[], flags: ChangeFlags): Promise<void> {
  const body = { resources: resources.map(checkKey), message: flags.message ?? "" };
  printChange(await post(flags, "delete", body), flags);
}

async function post(flags: ChangeFlags, path: string, body: object): Promise<ChangeReport> {
  const { dryRun, base } = flags;
  return (await call(flags, path, { dryRun: String(dryRun), base }, { method: "POST", body })) as ChangeReport;
}

export async function diff({ file, ...flags }: Flags & { readonly file: string[] }): Promise<void> {
  const body = { files: await readFiles(file) };
  const report = (await call(flags, "diff", {}, { method: "POST", body })) as ChangeReport;
  const { changes, problems = [] } = report;
  if (flags.output !== undefined) printAs(flags.output, report);
  else {
    for (const change of changes) print(change.diff);
    for (const problem of problems) print(formatProblem(problem));
  }
  if (changes.length > 0 || problems.length > 0) process.exitCode = 1;
}

export async function get(resource: string | undefined, flags: Flags & { readonly revision?: string }): Promise<void> {
  const { revision } = flags;
  if (resource?.includes("/") === true) {
    const found = (await call(flags, `resources/${checkKey(resource)}`, { revision })) as StoredResource;
    if (flags.output === "json") printAs("json", found);
    else process.stdout.write(joinDocuments([found.text]));
    return;
  }
  const list = (await call(flags, "resources", { revision, kind: resource })) as ResourceList;
  if (flags.output === "json") printAs("json", list);
  else if (flags.output === "yaml") process.stdout.write(joinDocuments(list.resources.map(({ text }) => text)));
  else {
    const rows = list.resources.map((one) => [keyOf(one), String(one.resourceVersion), `${one.file}:${one.line}`]);
    print(table([["RESOURCE", "REVISION", "FROM"], ...rows]).join("\n"));
  }
}

export async function history(
  resource: string | undefined,
  flags: Flags & { readonly limit: string; readonly diff: boolean },
): Promise<void> {
  const query = { limit: flags.limit, resource: resource && checkKey(resource) };
  const found = (await call(flags, "history", query)) as History;
  if (flags.output !== undefined) printAs(flags.output, found);
  else if (flags.diff) {
    for (const revision of found.revisions) {
      print(`revision ${revision.revision}, ${revision.time}, ${revision.author}: ${revision.message}`);
      for (const change of revision.changes)
        if (resource === undefined || keyOf(change) === resource) print(change.diff);
    }
  } else print(table([["REVISION", "TIME", "AUTHOR", "CHANGES", "MESSAGE"], ...found.revisions.map(row)]).join("\n"));
}

/** @throws InputError with all that the API says why it refuses. */
async function call(
  connection: Connection,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
  question?: Question,
): Promise<unknown> {
  const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  const search = new URLSearchParams(given).toString();
  try {
    return await query(connection, `/api/v1/${path}${search && `?${search}`}`, { timeoutMs: TIMEOUT_MS, ...question });
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    const { problems = [], conflicts = [] } = error.refusal ?? {};
    throw new InputError([error.message, ...problems.map(formatProblem), ...conflicts.map(formatConflict)].join("\n"));
  }
}

function formatConflict({ resource, revision, author, time, message }: Conflict): string {
  return `  ${resource}: revision ${revision}, ${time}, ${author}${message === "" ? "" : `: ${message}`}`;
}

function row({ revision, time, author, changes, message }: Revision): string[] {
  const shown = changes.map((change) => `${change.change} ${keyOf(change)}`);
  const more = shown.length > 2 ? ` and ${shown.length - 2} more` : "";
  return [String(revision), time, author, `${shown.slice(0, 2).join(", ")}${more}`, message.replaceAll("\n", " ")];
}

function printChange(report: ChangeReport, { output }: Flags): void {
  if (output !== undefined) {
    printAs(output, report);
    return;
  }
  const { changes, revision, dryRun } = report;
  for (const change of changes) print(`${keyOf(change)} ${dryRun ? "would be " : ""}${change.change}`);
  if (changes.length === 0) print("nothing to change");
  else if (revision !== undefined) print(`revision ${revision}`);
}

function checkKey(text: string): string {
  if (/^[A-Za-z]+\/[^/]+$/.test(text)) return text;
  throw new InputError(`expected KIND/NAME, such as Service/web, found ${text}`);
}

function printAs(format: "json" | "yaml", value: unknown): void {
  process.stdout.write(format === "json" ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
