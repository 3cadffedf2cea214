import { resourcesOf } from "../model/index.ts";
import type { Release } from "./pipeline.ts";

/** Which resources differ between two releases, as `Kind name`; a WasmModule differs with its bytes. */
export function changedResources(before: Release | undefined, after: Release): string[] {
  const old = before === undefined ? new Map<string, string>() : contents(before);
  const now = contents(after);
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names].filter((name) => old.get(name) !== now.get(name)).sort();
}

/** Whether a change of a resource, as {@link changedResources} names it, may change what filters a sidecar that is there has. */
export function mayChangeFilters(change: string): boolean {
  return !/^(Service|HTTPRoute|GRPCRoute|Quota) /.test(change);
}

function contents({ model, modules }: Release): Map<string, string> {
  return new Map(
    resourcesOf(model).map(({ kind, metadata, spec }) => [
      `${kind} ${metadata.name}`,
      JSON.stringify([metadata, spec, kind === "WasmModule" ? modules.get(metadata.name)?.sha256 : undefined]),
    ]),
  );
}
