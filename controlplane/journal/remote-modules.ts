import { readDocuments } from "../model/index.ts";
import type { Journal } from "./journal.ts";
import type { ResourceText } from "./revision.ts";

/** A module that a WasmModule names, and whose bytes are not kept with the resource. */
export interface NamedModule {
  /** The last revision of those looked at in which it is named. */
  readonly revision: number;
  readonly name: string;
  readonly url?: string;
  readonly image?: string;
  readonly sha256?: string;
}

/**
 * What the WasmModules of the latest revisions name by `url` or `image`: to roll back to one of them, its bytes are needed. Modules of a
 * `file` are kept with their resource, and need not be anywhere else.
 * @param count how many revisions.
 */
export async function remoteModules(journal: Journal, count: number): Promise<readonly NamedModule[]> {
  const { revision: last, resources } = await journal.state();
  const found = new Map<string, NamedModule>();
  const add = (revision: number, name: string, resource: ResourceText): void => {
    const module = namedIn(resource);
    if (module !== undefined) found.set(JSON.stringify([name, module]), { revision, name, ...module });
  };
  const first = Math.max(0, last - count + 1);
  const before = (await journal.stateAt(first))?.resources ?? new Map<string, never>();
  for (const resource of before.values()) {
    if (resource.kind === "WasmModule") add(first, resource.name, resource);
  }
  for (const { revision, changes } of first < last ? await journal.revisions(first) : []) {
    for (const { kind, name, after } of changes) {
      if (kind === "WasmModule" && after !== undefined) add(revision, name, after);
    }
  }
  for (const resource of resources.values()) {
    if (resource.kind === "WasmModule") add(last, resource.name, resource);
  }
  return [...found.values()];
}

function namedIn({ file, line, text }: ResourceText): Pick<NamedModule, "url" | "image" | "sha256"> | undefined {
  const value = readDocuments({ path: file, line, text }).documents[0]?.value as
    { readonly spec?: Partial<Record<"url" | "image" | "sha256", unknown>> | null } | null | undefined;
  const { url, image, sha256 } = value?.spec ?? {};
  if (typeof url !== "string" && typeof image !== "string") return undefined;
  return {
    ...(typeof url === "string" ? { url } : {}),
    ...(typeof image === "string" ? { image } : {}),
    ...(typeof sha256 === "string" ? { sha256 } : {}),
  };
}
