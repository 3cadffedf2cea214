import type { Action, ClaimTest, Lists, NamedTest, Rule } from "./configuration.ts";
import type { Expression, Fact } from "./expression.ts";
import type { Finding } from "./finding.ts";
import { intersect } from "./intersect.ts";
import { alternatives, maxTerms, type Bound, type Term } from "./normal-form.ts";

/** What a rule does, and how its name begins. */
export interface RuleHead {
  readonly name: string;
  readonly action: Action;
  readonly authorizer?: string;
  readonly shadow?: boolean;
}

/** Gives rules names that are allowed and that no two share. */
export class Names {
  readonly #used = new Set<string>();

  unique(wanted: string): string {
    const base =
      wanted
        .replace(/[^A-Za-z0-9_-]+/g, "-")
        .slice(0, 56)
        .replace(/^-+|-+$/g, "") || "rule";
    let name = base;
    for (let i = 2; this.#used.has(name); ++i) name = `${base}-${i}`;
    this.#used.add(name);
    return name;
  }
}

type MutableLists = { -readonly [Field in keyof Lists]?: Lists[Field][] };
interface Parts {
  lists: MutableLists;
  notLists: MutableLists;
  headers: NamedTest[];
  query: NamedTest[];
  claims: ClaimTest[];
  notClaims: ClaimTest[];
  when: string[];
}

/**
 * The rules that say what an expression says. Where a part cannot be said they grant less or refuse more, which `onLoss` is told.
 * `problem` makes a finding about the expression as a whole.
 */
export function rulesOf(
  expression: Expression,
  head: RuleHead,
  names: Names,
  onLoss: (finding: Finding) => void,
  problem: (message: string, advice: string) => Finding,
): Rule[] {
  // A shadow rule and an audit change nothing, so which way they err is the reader's to know, not a risk.
  const bound: Bound = head.action === "allow" ? "narrower" : "wider";
  const terms = alternatives(expression, bound, onLoss);
  if (terms === undefined) {
    const stricter = bound === "narrower" ? "it grants nothing" : "it applies to every request";
    onLoss(
      problem(
        `as rules this takes more than ${maxTerms}; ${stricter}`,
        "split it, or state it with fewer alternatives",
      ),
    );
    return bound === "narrower" ? [] : [ruleOf([], head, names)].flatMap((rule) => rule ?? []);
  }
  const twice = (field: string): void => {
    const stricter = bound === "narrower" ? "what needs both is not granted" : "only the first is asked for";
    onLoss(
      problem(`two conditions on ${field} must hold together, which no list says; ${stricter}`, `state them as one`),
    );
  };
  return terms.flatMap((term) => ruleOf(term, head, names, bound, twice) ?? []);
}

/** A rule that matches no request. */
export function ruleForNobody(names: Names, name: string): Rule {
  return { name: names.unique(name), action: "allow", principals: [{ not: { any: true } }] };
}

function ruleOf(
  term: Term,
  head: RuleHead,
  names: Names,
  bound: Bound = "wider",
  twice: (field: string) => void = () => undefined,
): Rule | undefined {
  const parts: Parts = { lists: {}, notLists: {}, headers: [], query: [], claims: [], notClaims: [], when: [] };
  for (const { negated, facts } of term) {
    const [first] = facts;
    switch (first.field) {
      case "headers":
      case "query":
        parts[first.field].push(negated ? inverted(first.value) : first.value);
        break;
      case "claims":
        parts[negated ? "notClaims" : "claims"].push(first.value);
        break;
      case "when":
        parts.when.push(negated ? `!(${first.value})` : first.value);
        break;
      default:
        if (negated) append(parts.notLists, first.field, valuesOf(facts, first.field));
        else if (!restrict(parts.lists, first.field, valuesOf(facts, first.field), bound, twice)) return undefined;
    }
  }
  return assemble(parts, head, names);
}

function valuesOf<F extends keyof Lists>(facts: readonly Fact[], field: F): Lists[F][] {
  return facts.flatMap((fact) => (fact.field === field ? [fact.value as Lists[F]] : []));
}

function append<F extends keyof Lists>(lists: MutableLists, field: F, values: readonly Lists[F][]): void {
  const before: readonly Lists[F][] = lists[field] ?? [];
  lists[field] = [...before, ...values] as MutableLists[F];
}

/** Adds a condition to those of a field. Returns false where none can hold any more. */
function restrict<F extends keyof Lists>(
  lists: MutableLists,
  field: F,
  values: readonly Lists[F][],
  bound: Bound,
  twice: (field: string) => void,
): boolean {
  const before = lists[field] as readonly Lists[F][] | undefined;
  if (before === undefined) {
    lists[field] = [...values] as MutableLists[F];
    return true;
  }
  const both = intersect(field, before, values);
  if (both === undefined) {
    twice(field);
    return bound === "wider";
  }
  lists[field] = both as MutableLists[F];
  return both.length > 0;
}

function inverted(test: NamedTest): NamedTest {
  const { invert = false, ...rest } = test;
  return invert ? rest : { ...rest, invert: true };
}

function assemble(
  { lists, notLists, headers, query, claims, notClaims, when }: Parts,
  head: RuleHead,
  names: Names,
): Rule {
  // A rule of ours that names nobody is for those with a credential; one that was imported is for everybody.
  const principals = lists.principals ?? (head.action === "deny" ? undefined : [{ any: true as const }]);
  const exclusions = { ...withoutRepeats(notLists), ...(notClaims.length > 0 ? { claims: notClaims } : {}) };
  return {
    name: names.unique(head.name),
    action: head.action,
    ...(head.authorizer === undefined ? {} : { authorizer: head.authorizer }),
    ...(head.shadow === true ? { shadow: true as const } : {}),
    ...withoutRepeats(lists),
    ...(query.length > 0 ? { query } : {}),
    ...(headers.length > 0 ? { headers } : {}),
    ...(principals === undefined ? {} : { principals }),
    ...(claims.length > 0 ? { claims } : {}),
    ...(when.length > 0 ? { when } : {}),
    ...(Object.keys(exclusions).length > 0 ? { not: exclusions } : {}),
  };
}

function withoutRepeats(lists: MutableLists): MutableLists {
  return Object.fromEntries(
    Object.entries(lists).map(([field, values]) => [
      field,
      [...new Map((values as unknown[]).map((value) => [JSON.stringify(value), value])).values()],
    ]),
  );
}
