import type { Logger } from "pino";
import type { Held, HeldResource } from "../isolate/index.ts";
import { formatProblem, type Problem } from "../model/index.ts";

/** Tells what is served in place of what is faulty. */
export function logHeld({ kept, leftOut }: Held, problems: readonly Problem[], log: Logger): void {
  for (const problem of problems) log.error({ problem }, `refused: ${formatProblem(problem)}`);
  if (kept.length > 0) log.warn(fields(kept), `served as before until this is mended: ${namesOf(kept)}`);
  if (leftOut.length > 0) log.warn(fields(leftOut), `not served until this is mended: ${namesOf(leftOut)}`);
}

function fields(held: readonly HeldResource[]): object {
  return { resources: held.map(({ resource }) => resource) };
}

function namesOf(held: readonly HeldResource[]): string {
  return held.map(({ resource }) => resource).join(", ");
}
