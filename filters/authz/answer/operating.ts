// What an operator chooses: what is logged and counted, what a refused client reads, and whether anything is refused at all.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

export enum DecisionsLogged {
  None,
  Denied,
  All,
}

const DECISIONS: string[] = ["none", "denied", "all"];
const FORMATS: string[] = ["text", "json"];

/** The longest text of a response, in UTF-16 units. */
// @ts-ignore: decorator
@inline const MAX_TEXT: i32 = 4096;


@final
export class Operating {
  /** Whether every request passes, and what would become of it is only told. */
  dryRun: bool = false;
  decisions: DecisionsLogged = DecisionsLogged.None;
  /** Whether the log tells of each rule up to the one that decides. */
  logsRules: bool = false;
  countsRules: bool = false;
  /** Whether responses have problem details (RFC 9457) and not a text. */
  json: bool = false;
  /** In place of the text of a 401 and of a 403; empty for none. */
  unauthorized: string = "";
  forbidden: string = "";
  /** 403, or what else is answered in its place. */
  forbiddenStatus: u32 = 403;

  /** Whether the log or a metric has the name of a rule that lets a request pass. */
  get namesAllowing(): bool {
    return this.decisions == DecisionsLogged.All || this.logsRules || this.countsRules;
  }

  read(root: ConfigObject): void {
    this.dryRun = root.boolOr("dryRun", false);
    this.countsRules = root.boolOr("ruleMetrics", false);
    const log = root.objectOrNull("log");
    if (log !== null) {
      this.decisions = log.oneOfOr("decisions", DECISIONS, DecisionsLogged.None);
      this.logsRules = log.boolOr("rules", false);
    }
    const responses = root.objectOrNull("responses");
    if (responses === null) return;
    this.json = responses.oneOfOr("format", FORMATS, 0) == 1;
    this.unauthorized = textOf(responses, "unauthorized");
    this.forbidden = textOf(responses, "forbidden");
    this.forbiddenStatus = <u32>responses.integerOr("forbiddenStatus", 400, 499, 403);
  }
}

function textOf(object: ConfigObject, field: string): string {
  const text = object.stringOr(field, "");
  if (text.length > MAX_TEXT) object.error(field, `a text of at most ${MAX_TEXT} characters`);
  return text;
}
