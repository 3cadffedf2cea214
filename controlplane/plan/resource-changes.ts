import { originOf } from "../inspect/index.ts";
import { resourcesOf, type Model, type Resource } from "../model/index.ts";
import type { ResourceChange } from "./report.ts";

/** What the user wrote, with the modules by the names of their WasmModules. */
export interface Written {
  readonly model: Model;
  readonly modules: ReadonlyMap<string, { readonly sha256: string }>;
}

/** How what the user wrote differs, in the order of kinds and names. Where a resource is written is no difference. */
export function resourceChanges(before: Written | undefined, after: Written): ResourceChange[] {
  const [old, now] = [byKey(before?.model), byKey(after.model)];
  const keys = [...new Set([...old.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): ResourceChange[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const shown = is ?? was;
    if (shown === undefined) return [];
    const [wasModule, isModule] = [moduleOf(was, before), moduleOf(is, after)];
    const module = {
      ...(wasModule === undefined ? {} : { before: wasModule }),
      ...(isModule === undefined ? {} : { after: isModule }),
    };
    if (was !== undefined && is !== undefined && contentOf(was) === contentOf(is) && wasModule === isModule) return [];
    const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    return [{ ...originOf(shown), change, ...(wasModule === isModule ? {} : { module }) }];
  });
}

function byKey(model: Model | undefined): ReadonlyMap<string, Resource> {
  const resources = model === undefined ? [] : resourcesOf(model);
  return new Map(resources.map((resource) => [`${resource.kind}/${resource.metadata.name}`, resource]));
}

function moduleOf(resource: Resource | undefined, written: Written | undefined): string | undefined {
  return resource?.kind === "WasmModule" ? written?.modules.get(resource.metadata.name)?.sha256 : undefined;
}

function contentOf({ metadata, spec }: Resource): string {
  return JSON.stringify([metadata, spec]);
}
