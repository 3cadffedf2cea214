import type { Json, JsonObject } from "../model/index.ts";
import { parsePath, type Path } from "../model/index.ts";
import type { RuleOutcome } from "./explanation.ts";
import { isList, isObject, objectsOf, textOr } from "../explain/index.ts";

/** A line of the filter's log about a rule. */
export interface RuleLine {
  readonly rule: string;
  readonly matches: boolean;
  readonly failed?: string;
}

/** Values of headers and parameters can be secrets that a client shares with the proxy. */
const SECRET_FIELDS = new Set(["headers", "query"]);
const SECRET_TESTS = new Set(["exact", "prefix", "suffix", "contains", "regex"]);

/** What the filter logged of its rules, with what the configuration says of each. */
export function ruleOutcomes(configuration: JsonObject, lines: readonly RuleLine[]): RuleOutcome[] {
  const rules = new Map(objectsOf(configuration["rules"]).map((rule) => [rule["name"], rule]));
  return lines.map(({ rule: name, matches, failed }) => {
    const rule = rules.get(name) ?? {};
    const condition = failed === undefined ? undefined : conditionAt(rule, failed);
    return {
      name,
      action: textOr(rule["action"], ""),
      shadow: rule["shadow"] === true,
      matches,
      ...(failed !== undefined && { failed }),
      ...(condition !== undefined && { condition }),
    };
  });
}

function conditionAt(rule: JsonObject, failed: string): Json | undefined {
  const { path } = parsePath(failed);
  const value = valueAt(rule, path);
  return value !== undefined && path.some((part) => SECRET_FIELDS.has(String(part))) ? withoutValues(value) : value;
}

function valueAt(root: Json, path: Path): Json | undefined {
  let here: Json | undefined = root;
  for (const part of path) {
    if (isList(here) && typeof part === "number") here = here[part];
    else if (isObject(here)) here = here[part];
    else return undefined;
  }
  return here;
}

function withoutValues(value: Json): Json {
  if (isList(value)) return value.map(withoutValues);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, SECRET_TESTS.has(key) ? "..." : item]));
}
