// How envoyproxy/ratelimit finds the rule for a descriptor: level by level, the same value first, then wildcards in their order,
// then the key alone; never back up a level. What a request says is not known yet, so there may be several rules, each with what
// requests for it are like.
import type { StringTest } from "./configuration.ts";
import type { Entry } from "./rate-limit-actions.ts";
import { bothMatch } from "./rate-limit-actions.ts";
import type { KeyPart, RequestMatch } from "./rate-limit-configuration.ts";
import type { ServiceRule } from "./service-rules.ts";
import { quoted } from "./texts.ts";

/** A rule for some requests with a descriptor. */
export interface FoundRule {
  readonly rule: ServiceRule;
  readonly match: RequestMatch;
  readonly except: readonly RequestMatch[];
  /** What is counted each by itself, with the keys of the entries. */
  readonly key: readonly { readonly name: string; readonly part: KeyPart }[];
  /** What the rule is called by. */
  readonly words: readonly string[];
}

/** The rules for the last entry. */
export function rulesFor(rules: readonly ServiceRule[], entries: readonly Entry[]): FoundRule[] {
  const [entry, ...rest] = entries;
  if (entry === undefined) return [];
  const here = "constant" in entry.value ? ofConstant(rules, entry) : ofValue(rules, entry);
  if (rest.length === 0) return here;
  return here.flatMap((found) =>
    rulesFor(found.rule.rules, rest).map((below) => ({
      rule: below.rule,
      match: bothMatch([found.match, below.match]),
      except: [...found.except, ...below.except],
      key: [...found.key, ...below.key],
      words: [...found.words, ...below.words],
    })),
  );
}

const nothing = { match: {}, except: [], key: [] };

function ofConstant(rules: readonly ServiceRule[], { key, value }: Entry): FoundRule[] {
  const text = "constant" in value ? value.constant : "";
  const rule = inOrder(rules, key).find((it) => it.value === "" || fits(it.value, text));
  return rule === undefined ? [] : [{ rule, ...nothing, words: [rule.value === "" ? key : text] }];
}

function ofValue(rules: readonly ServiceRule[], { key, value }: Entry): FoundRule[] {
  if ("constant" in value) return [];
  const before: RequestMatch[] = [];
  return inOrder(rules, key).map((rule): FoundRule => {
    if (rule.value === "") {
      return { rule, match: {}, except: [...before], key: [{ name: key, part: value.part }], words: [key] };
    }
    if ("default" in value.part && fits(rule.value, value.part.default ?? "")) {
      rule.at.report(
        "loss",
        "a value that is also the default of its action: requests without it are not limited here",
      );
    }
    const match = { values: [{ value: value.value, ...testOf(rule.value) }] };
    const isWild = rule.value.includes("*");
    const isCounted = isWild && !rule.isShared;
    // One value is never another.
    const found = { rule, match, except: isWild ? [...before] : [], words: [rule.value] };
    before.push(match);
    return { ...found, key: isCounted ? [{ name: key, part: value.value }] : [] };
  });
}

/** The rules for a key: those for one value, for several, for any. The first have no need of exceptions for one another. */
function inOrder(rules: readonly ServiceRule[], key: string): ServiceRule[] {
  const mine = rules.filter((rule) => rule.key === key);
  const isWild = ({ value }: ServiceRule): boolean => value.includes("*");
  const exact = mine.filter((rule) => rule.value !== "" && !isWild(rule));
  return [...exact, ...mine.filter(isWild), ...mine.filter(({ value }) => value === "")];
}

function fits(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern.split("*").map(quoted).join("[^]*")})$`).test(text);
}

function testOf(pattern: string): StringTest | { readonly present: boolean } {
  const parts = pattern.split("*");
  if (parts.length === 1) return { exact: pattern };
  if (parts.every((part) => part === "")) return { present: true };
  const [first = "", second] = parts;
  if (parts.length === 2 && second === "") return { prefix: first };
  return { regex: parts.map(quoted).join(".*") };
}
