import {
  changesBetween,
  drawKeys,
  formatChanges,
  formatSource,
  formatSplit,
  keySourcesOf,
  splitReport,
  type KeySource,
} from "../../ab/index.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import { table } from "../print-table.ts";
import { abRequestOf, type AbRequestFlags } from "./explain.ts";

export interface SimulateFlags extends AbRequestFlags {
  readonly keys: number;
  readonly keyFrom: readonly string[];
  readonly compare?: string;
  readonly json: boolean;
}

/** `meshwright ab simulate`. */
export async function simulate(configuration: string, flags: SimulateFlags): Promise<void> {
  const { keys } = flags;
  const subject = await loadSubject("ab-routing", configuration, flags);
  const before = flags.compare === undefined ? undefined : await loadSubject("ab-routing", flags.compare, flags);
  const sources =
    flags.keyFrom.length > 0
      ? flags.keyFrom.map(sourceOf)
      : keySourcesOf(subject.configuration, ...(before === undefined ? [] : [before.configuration]));
  const options = { keys, sources, request: abRequestOf(flags) };
  const drawn = await drawKeys(subject, options);
  const report = splitReport(keys, drawn);
  const changes = before === undefined ? undefined : changesBetween(await drawKeys(before, options), drawn);
  if (flags.json) {
    const keyFrom = sources.map(formatSource);
    process.stdout.write(`${JSON.stringify({ keyFrom, ...report, ...(changes && { changes }) }, null, 2)}\n`);
    return;
  }
  const from = sources.length === 0 ? "no key" : `keys in ${sources.map(formatSource).join(", ")}`;
  const lines = [from, ...formatSplit(report, table), ...formatChanges(changes ?? [], keys, table)];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function sourceOf(text: string): KeySource {
  if (text === "clientAddress") return { kind: "clientAddress" };
  const [, kind, name = ""] = /^(header|cookie|property):([^\s:]+)$/.exec(text) ?? [];
  if (kind === "header" || kind === "cookie") return { kind, name };
  if (kind === "property") return { kind, path: name.split("/") };
  throw new InputError(
    `--key-from: expected header:NAME, cookie:NAME, property:PATH or clientAddress, found "${text}"`,
  );
}
