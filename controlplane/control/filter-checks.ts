import { ModuleChecker, type CheckOptions } from "@meshwright/host";
import { filterProblem, type FilterPolicy, type Model, type Problem } from "../model/index.ts";
import type { StoredModule } from "../modules/index.ts";

/** A stored module with its bytes. */
export interface LoadedModule extends StoredModule {
  readonly bytes: Uint8Array;
}

/** How long the thread for checks is kept for the next change. */
const IDLE_MS = 10_000;

/**
 * Runs each filter on its configuration, as Envoy would, before any sidecar sees it. What passed once is not run again.
 */
export class FilterChecks {
  #passed = new Set<string>();
  #idle: IdleChecker | undefined;

  /** What the filters of a model say against their configurations. */
  async check(model: Model, modules: ReadonlyMap<string, LoadedModule>): Promise<Problem[]> {
    const problems: Problem[] = [];
    const passed = new Set<string>();
    // Module by module, since a thread for one costs more than many checks in it.
    const open = new Map<LoadedModule, { readonly key: string; readonly policy: FilterPolicy }[]>();
    for (const policy of model.filterPolicies.values()) {
      const module = modules.get(policy.spec.module);
      if (module === undefined) continue;
      const key = JSON.stringify([
        module.sha256,
        rootIdOf(policy),
        policy.spec.vmConfiguration,
        policy.spec.configuration,
      ]);
      if (this.#passed.has(key)) {
        passed.add(key);
        continue;
      }
      const runs = open.get(module);
      if (runs === undefined) open.set(module, [{ key, policy }]);
      else runs.push({ key, policy });
    }
    for (const [module, runs] of open) {
      const checker = this.#take(module);
      for (const { key, policy } of runs) {
        const found = passed.has(key) ? [] : await run(policy, checker);
        if (found.length === 0) passed.add(key);
        problems.push(...found);
      }
      this.#giveBack(module, checker);
    }
    // What the model no longer holds is forgotten, so the memory of passed checks stays as small as the model.
    if (problems.length === 0) this.#passed = passed;
    return problems;
  }

  /** Whoever has a checker is alone with it: several models may be checked at a time. */
  #take({ sha256, bytes }: LoadedModule): ModuleChecker {
    const idle = this.#idle;
    if (idle?.sha256 !== sha256) return new ModuleChecker(bytes);
    clearTimeout(idle.timer);
    this.#idle = undefined;
    return idle.checker;
  }

  #giveBack({ sha256 }: LoadedModule, checker: ModuleChecker): void {
    this.#closeIdle();
    this.#idle = { sha256, checker, timer: setTimeout(() => this.#closeIdle(), IDLE_MS).unref() };
  }

  #closeIdle(): void {
    clearTimeout(this.#idle?.timer);
    this.#idle?.checker.close();
    this.#idle = undefined;
  }
}

interface IdleChecker {
  readonly sha256: string;
  readonly checker: ModuleChecker;
  readonly timer: NodeJS.Timeout;
}

function rootIdOf({ spec }: FilterPolicy): string {
  return spec.rootId ?? spec.module;
}

/** With what a filter is run: as Envoy has it. */
export function checkOptions(policy: FilterPolicy): Pick<CheckOptions, "rootId" | "configuration" | "vmConfiguration"> {
  const { configuration, vmConfiguration } = policy.spec;
  return {
    rootId: rootIdOf(policy),
    ...(configuration === undefined ? {} : { configuration: JSON.stringify(configuration) }),
    ...(vmConfiguration === undefined
      ? {}
      : { vmConfiguration: typeof vmConfiguration === "string" ? vmConfiguration : JSON.stringify(vmConfiguration) }),
  };
}

async function run(policy: FilterPolicy, checker: ModuleChecker): Promise<Problem[]> {
  const result = await checker.check(checkOptions(policy));
  if (result.ok) return [];
  const said = result.log
    .filter(({ level }) => level === "error" || level === "critical")
    .map(({ message }) => message);
  if (result.stage === "configure" || result.stage === "vm_start") {
    // A filter that refuses says why in its log.
    const reasons = said.length > 0 ? said : result.problems.map(({ message }) => message);
    return reasons.map((reason) => filterProblem(policy.origin, reason));
  }
  return result.problems.map(({ message }) => {
    const details = said.length > 0 ? `; it logged: ${said.join("; ")}` : "";
    return policy.origin.problem(["spec", "module"], `the filter cannot run: ${message}${details}`);
  });
}
