import type { ClaimTest, Lists, NamedTest } from "./configuration.ts";
import type { Finding } from "./finding.ts";

/** One condition that a rule of ours can state, and its negation as well. */
export type Fact =
  | { [Field in keyof Lists]: { readonly field: Field; readonly value: Lists[Field] } }[keyof Lists]
  | { readonly field: "query" | "headers"; readonly value: NamedTest }
  | { readonly field: "claims"; readonly value: ClaimTest }
  | { readonly field: "when"; readonly value: string };

/** What a policy says of a request, as a tree. */
export type Expression =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "all"; readonly of: readonly Expression[] }
  | { readonly kind: "any"; readonly of: readonly Expression[] }
  | Approximation;

/** A condition that cannot be stated: between one that holds whenever it does, and one that holds only when it does. */
export interface Approximation {
  readonly kind: "between";
  /** Holds wherever the condition holds. */
  readonly wider: Expression;
  /** Holds nowhere where the condition does not. */
  readonly narrower: Expression;
  /** What is lost. */
  readonly finding: Finding;
}

export const always: Expression = { kind: "all", of: [] };
export const never: Expression = { kind: "any", of: [] };

export const fact = (of: Fact): Expression => ({ kind: "fact", fact: of });
export const not = (of: Expression): Expression => ({ kind: "not", of });
export const all = (...of: readonly Expression[]): Expression =>
  of.length === 1 && of[0] ? of[0] : { kind: "all", of };
export const any = (...of: readonly Expression[]): Expression =>
  of.length === 1 && of[0] ? of[0] : { kind: "any", of };

export const lost = (finding: Finding, bounds: { wider?: Expression; narrower?: Expression } = {}): Expression => ({
  kind: "between",
  wider: bounds.wider ?? always,
  narrower: bounds.narrower ?? never,
  finding,
});
