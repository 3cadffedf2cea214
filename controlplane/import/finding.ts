import { compareProblems, formatProblem, type Problem } from "../model/index.ts";

/**
 * What a reader has to know of an import.
 * - `error`: what was read is not what it should be; nothing is imported.
 * - `loss`: a part has no equal in the filter. The result is stricter there, or refuses; it is written only on demand.
 * - `note`: carried over, with a difference that is by design or with work left to do outside of the configuration.
 */
export type FindingKind = "error" | "loss" | "note";

export interface Finding extends Problem {
  readonly kind: FindingKind;
  /** What to do about it; empty where the message says so itself. */
  readonly advice: string;
}

/** Collects findings; the same one is kept once. */
export class Findings {
  readonly #list = new Map<string, Finding>();

  add(finding: Finding): void {
    const key = `${finding.kind} ${formatProblem(finding)}`;
    if (!this.#list.has(key)) this.#list.set(key, finding);
  }

  has(kind: FindingKind): boolean {
    return [...this.#list.values()].some((finding) => finding.kind === kind);
  }

  /** All of them, by place. */
  sorted(): Finding[] {
    return [...this.#list.values()].sort(compareProblems);
  }
}

/** `file:line:column: loss: path: message; advice`. */
export function formatFinding(finding: Finding): string {
  const { file, line, column, kind, path, message, advice } = finding;
  const where = path === "" ? "" : `${path}: `;
  return `${file}:${line}:${column}: ${kind}: ${where}${message}${advice === "" ? "" : `; ${advice}`}`;
}
