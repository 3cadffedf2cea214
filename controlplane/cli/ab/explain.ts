import { explainAssignment, formatAssignment, type AbRequest } from "../../ab/index.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import { requestOf, type RequestFlags } from "../request-flags.ts";

export interface AbRequestFlags extends RequestFlags {
  readonly property: readonly string[];
  readonly policy?: string;
  readonly module?: string;
}

export interface ExplainFlags extends AbRequestFlags {
  readonly json: boolean;
}

/** `meshwright ab explain`. */
export async function explain(configuration: string, flags: ExplainFlags): Promise<void> {
  const subject = await loadSubject("ab-routing", configuration, flags);
  const explanation = await explainAssignment(subject, abRequestOf(flags));
  const text = flags.json ? JSON.stringify(explanation, null, 2) : formatAssignment(explanation).join("\n");
  process.stdout.write(`${text}\n`);
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
