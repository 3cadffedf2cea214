import type { Expression, Fact } from "./expression.ts";
import type { Finding } from "./finding.ts";

/** A fact or its negation; several facts are of one field of which any value is enough, and are not negated. */
export interface Literal {
  readonly negated: boolean;
  readonly facts: readonly [Fact, ...Fact[]];
}

/** Literals that all must hold. */
export type Term = readonly Literal[];

/** Which way to err where a condition cannot be stated: `narrower` for what grants, `wider` for what refuses. */
export type Bound = "narrower" | "wider";

/** More would be more rules from one than anybody reads. */
export const maxTerms = 1000;

const listFields: ReadonlySet<string> = new Set([
  "methods",
  "hosts",
  "ports",
  "paths",
  "sources",
  "peers",
  "principals",
]);

/**
 * Rewrites an expression as alternatives of terms, each of which can become a rule (disjunctive normal form).
 * Returns undefined where that takes more than {@link maxTerms}. `onLoss` is told of each condition that was replaced.
 */
export function alternatives(
  expression: Expression,
  bound: Bound,
  onLoss: (finding: Finding) => void,
): readonly Term[] | undefined {
  const walk = (node: Expression, negated: boolean): readonly Term[] | undefined => {
    switch (node.kind) {
      case "fact":
        return [[{ negated, facts: [node.fact] }]];
      case "not":
        return walk(node.of, !negated);
      case "between":
        onLoss(node.finding);
        return walk((bound === "wider") !== negated ? node.wider : node.narrower, negated);
      case "all":
      case "any": {
        const parts: (readonly Term[])[] = [];
        for (const part of node.of) {
          const terms = walk(part, negated);
          if (terms === undefined) return undefined;
          parts.push(terms);
        }
        return (node.kind === "any") !== negated ? union(parts) : product(parts);
      }
    }
  };
  return walk(expression, false);
}

function product(parts: readonly (readonly Term[])[]): readonly Term[] | undefined {
  let terms: readonly Term[] = [[]];
  for (const part of parts) {
    if (terms.length * part.length > maxTerms) return undefined;
    terms = terms.flatMap((term) => part.map((more) => [...term, ...more]));
  }
  return terms;
}

/** Terms of one literal with values of one field become one term, so that a list stays a list. */
function union(parts: readonly (readonly Term[])[]): readonly Term[] | undefined {
  const terms: Term[] = [];
  const places = new Map<string, number>();
  for (const term of parts.flat()) {
    const [literal] = term;
    const field = literal?.facts[0].field;
    if (
      term.length !== 1 ||
      literal === undefined ||
      field === undefined ||
      literal.negated ||
      !listFields.has(field)
    ) {
      terms.push(term);
      continue;
    }
    const place = places.get(field);
    const before = place === undefined ? undefined : terms[place]?.[0];
    if (place === undefined || before === undefined) {
      places.set(field, terms.length);
      terms.push(term);
    } else {
      terms[place] = [{ negated: false, facts: [...before.facts, ...literal.facts] }];
    }
  }
  return terms.length > maxTerms ? undefined : terms;
}
