import { formatChanges } from "../explain/index.ts";
import type { Explanation, RuleOutcome } from "./explanation.ts";

/** An explanation as lines for people. */
export function formatExplanation(explanation: Explanation): string[] {
  const { name, request, principal, rules, external } = explanation;
  const peer = request.peer === undefined ? "" : `, peer ${request.peer}`;
  const width = Math.max(0, ...rules.map((rule) => rule.name.length));
  return [
    `${name === undefined ? "" : `${name}: `}${request.method} ${request.path} of ${request.host}, from ${request.source}${peer}, at ${request.at}`,
    `  caller: ${principal ?? "nobody is known"}`,
    ...(rules.length === 0 ? ["  rules: not looked at"] : rules.map((rule) => `  ${formatRule(rule, width)}`)),
    ...(external === undefined
      ? []
      : [`  ${external.authorizer} is asked: ${external.answer ?? "--external says what it answers"}`]),
    `  ${outcome(explanation)}`,
    ...formatChanges(explanation).map((line) => `    ${line}`),
  ];
}

function formatRule({ name, action, shadow, matches, failed, condition }: RuleOutcome, width: number): string {
  const what = `${name.padEnd(width)}  ${shadow ? `${action} (shadow)` : action}`;
  if (matches) return `${what}: matches`;
  const has = condition === undefined ? notSaid(failed ?? "") : `is ${JSON.stringify(condition)}`;
  return `${what}: no, ${failed ?? ""} ${has}`;
}

/** A condition that a rule has without saying so. */
function notSaid(failed: string): string {
  return failed === "principals" ? "is whoever has a good credential" : "does not hold";
}

function outcome({ decision, reason, rule, dryRun, rules }: Explanation): string {
  const by = rule === undefined ? "" : ` by the rule ${rule}`;
  switch (decision) {
    case "undecided":
      return `undecided: the rule ${rule ?? ""} leaves it to its authorizer`;
    case "allowed":
      return rule === undefined ? "allowed: no rule denies, and none allows" : `allowed${by}`;
    case "denied": {
      const early = rules.length === 0 ? ", before any rule" : "";
      return `denied${by}: ${reason ?? ""}${early}${dryRun ? "; it passes all the same, in a dry run" : ""}`;
    }
  }
}
