import { checkModule, type CheckOptions } from "@meshwright/host";
import { filterProblem, type FilterPolicy, type Model, type Problem } from "../model/index.ts";
import type { StoredModule } from "../modules/index.ts";

/** A stored module with its bytes. */
export interface LoadedModule extends StoredModule {
  readonly bytes: Uint8Array;
}

/**
 * Runs each filter on its configuration, as Envoy would, before any sidecar sees it. What passed once is not run again.
 */
export class FilterChecks {
  #passed = new Set<string>();

  /** What the filters of a model say against their configurations. */
  async check(model: Model, modules: ReadonlyMap<string, LoadedModule>): Promise<Problem[]> {
    const problems: Problem[] = [];
    const passed = new Set<string>();
    for (const policy of model.filterPolicies.values()) {
      const module = modules.get(policy.spec.module);
      if (module === undefined) continue;
      const key = JSON.stringify([
        module.sha256,
        rootIdOf(policy),
        policy.spec.vmConfiguration,
        policy.spec.configuration,
      ]);
      const found = this.#passed.has(key) ? [] : await run(policy, module);
      if (found.length === 0) passed.add(key);
      problems.push(...found);
    }
    // What the model no longer holds is forgotten, so the memory of passed checks stays as small as the model.
    if (problems.length === 0) this.#passed = passed;
    return problems;
  }
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

async function run(policy: FilterPolicy, module: LoadedModule): Promise<Problem[]> {
  const result = await checkModule(module.bytes, checkOptions(policy));
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
