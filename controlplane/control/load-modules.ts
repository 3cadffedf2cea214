import { inspectModule } from "@meshwright/host";
import type { Model, Problem } from "../model/index.ts";
import type { ModuleStore } from "../modules/index.ts";
import type { LoadedModule } from "./filter-checks.ts";

/** Reads a file of the source. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** Puts the modules of a model into the store. What Envoy would refuse is a problem, and is not kept. */
export async function loadModules(
  model: Model,
  store: ModuleStore,
  read: ReadFile,
): Promise<{ readonly modules: ReadonlyMap<string, LoadedModule>; readonly problems: readonly Problem[] }> {
  const modules = new Map<string, LoadedModule>();
  const problems: Problem[] = [];
  for (const [name, { origin, filePath }] of model.wasmModules) {
    let bytes: Uint8Array;
    try {
      bytes = await read(filePath);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(origin.problem(["spec", "file"], `cannot read ${filePath}: ${reason}`));
      continue;
    }
    const inspection = inspectModule(bytes);
    if (inspection.ok) modules.set(name, { ...store.put(bytes), bytes });
    else {
      for (const { message } of inspection.problems) {
        problems.push(origin.problem(["spec", "file"], `Envoy would refuse ${filePath}: ${message}`));
      }
    }
  }
  return { modules, problems };
}
