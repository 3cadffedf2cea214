import type { ModuleRef } from "../translate/index.ts";
import type { ServedContent } from "./content.ts";
import type { Run, RunEvent } from "./run.ts";
import type { Version } from "./version.ts";

/**
 * Tries a version before any sidecar gets it.
 * @param content what the sidecars would be served with it.
 * @returns what speaks against it, in sentences; nothing when it is good.
 */
export type PreCheck<Module extends ModuleRef> = (
  version: Version,
  content: ServedContent<Module>,
) => Promise<readonly string[]>;

/** The pre-check of one run. It takes seconds, in which other runs go on. What becomes of it is in memory: after a restart it is made again. */
export class RunPreCheck {
  #state: "new" | "going on" | readonly string[] = "new";

  /**
   * What is to happen with a run before its first wave; undefined when nothing speaks against the wave.
   * @param check is begun once.
   * @param onEnd is called when it is time to look again.
   */
  look(
    run: Run,
    check: () => Promise<readonly string[]>,
    onEnd: () => void,
    now: number,
  ): readonly RunEvent[] | undefined {
    // An undo goes back to what was good, and is in a hurry.
    if (run.wave >= 0 || run.undo || run.phase === "RollingBack") return undefined;
    if (this.#state === "new") {
      this.#state = "going on";
      const end = (findings: readonly string[]): void => {
        this.#state = findings;
        onEnd();
      };
      check().then(end, (error: unknown) => {
        end([`it could not be tried: ${error instanceof Error ? error.message : String(error)}`]);
      });
    }
    if (this.#state === "going on") return [];
    if (this.#state.length === 0) return undefined;
    const reason = { kind: "PreCheck", message: this.#state.join("; "), nodes: [] } as const;
    return [{ type: "RollingBack", at: now, by: "pre-check", reason }];
  }
}
