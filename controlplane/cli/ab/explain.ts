import {
  explainAssignment,
  formatAssignment,
  readAbRequests,
  unexpected,
  type AbExplanation,
  type AbRequest,
} from "../../ab/index.ts";
import { InputError, loadSubject, type Subject } from "../../explain/index.ts";
import { NOT_SO } from "../fail.ts";
import { readText } from "../read.ts";
import { requestOf, type RequestFlags } from "../request-flags.ts";

export interface AbRequestFlags extends RequestFlags {
  readonly property: readonly string[];
  readonly policy?: string;
  readonly module?: string;
}

/** One of several requests. */
interface Explained {
  readonly name: string;
  /** Where it is not as expected; empty if it is. */
  readonly faults: readonly string[];
  readonly explanation: AbExplanation;
}

export interface ExplainFlags extends AbRequestFlags {
  readonly requests?: string;
  readonly json: boolean;
}

/** `meshwright ab explain`. With a file of requests the exit status is 1 if one has another variant than the file expects. */
export async function explain(configuration: string, flags: ExplainFlags): Promise<void> {
  const subject = await loadSubject("ab-routing", configuration, flags);
  if (flags.requests !== undefined) return explainAll(subject, flags.requests, flags.json);
  const explanation = await explainAssignment(subject, abRequestOf(flags));
  const text = flags.json ? JSON.stringify(explanation, null, 2) : formatAssignment(explanation).join("\n");
  process.stdout.write(`${text}\n`);
}

async function explainAll(subject: Subject, path: string, json: boolean): Promise<void> {
  const explained: Explained[] = [];
  for (const [index, spec] of readAbRequests({ path, text: await readText(path) }).entries()) {
    const name = spec.name ?? `requests[${index}]`;
    try {
      const explanation = await explainAssignment(subject, spec);
      explained.push({ name, faults: unexpected(spec, explanation), explanation });
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${path}: ${name}: ${error.message}`) : error;
    }
  }
  const texts = explained.map(({ name, faults, explanation }) =>
    [name, ...formatAssignment(explanation), ...faults.map((fault) => `  NOT AS EXPECTED: ${fault}`)].join("\n"),
  );
  process.stdout.write(`${json ? JSON.stringify(explained, null, 2) : texts.join("\n\n")}\n`);
  if (explained.some(({ faults }) => faults.length > 0)) process.exitCode = NOT_SO;
}

/** @throws InputError if an option does not say what it must. */
export function abRequestOf(flags: AbRequestFlags): AbRequest {
  const properties = flags.property.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new InputError(`--property: expected PATH=VALUE, found "${text}"`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return { ...requestOf(flags), properties: Object.fromEntries(properties) };
}
