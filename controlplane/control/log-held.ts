import type { Logger } from "pino";
import type { Held, HeldResource } from "../isolate/index.ts";
import { formatProblem, type Problem } from "../model/index.ts";

/** Tells what is served in place of what is faulty. */
export function logHeld({ kept, leftOut }: Held, problems: readonly Problem[], log: Logger): void {
  for (const problem of problems) log.error({ problem }, `refused: ${formatProblem(problem)}`);
  tell(kept, "served as before until this is mended");
  tell(leftOut, "not served until this is mended");

  function tell(all: readonly HeldResource[], what: string): void {
    if (all.length === 0) return;
    const resources = all.map(({ resource }) => resource);
    log.warn({ resources }, `${what}: ${resources.join(", ")}`);
  }
}
