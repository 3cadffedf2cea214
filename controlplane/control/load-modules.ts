import { inspectModule } from "@meshwright/host";
import type { Model, Problem, WasmModule } from "../model/index.ts";
import { publicPlace, type ModuleStore, type RemoteModule } from "../modules/index.ts";
import type { LoadedModule } from "./filter-checks.ts";

/** Where the bytes of modules come from. */
export interface ModuleReaders {
  /** Reads a file of the source. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** Brings a module from elsewhere; see `ModuleFetcher`. */
  readonly fetch: (module: RemoteModule) => Promise<Uint8Array>;
}

/** Puts the modules of a model into the store. What Envoy would refuse is a problem, and is not kept. */
export async function loadModules(
  model: Pick<Model, "wasmModules">,
  store: ModuleStore,
  readers: ModuleReaders,
): Promise<{ readonly modules: ReadonlyMap<string, LoadedModule>; readonly problems: readonly Problem[] }> {
  const modules = new Map<string, LoadedModule>();
  const problems: Problem[] = [];
  // At once: one server that does not answer makes no other wait.
  const loaded = [...model.wasmModules].map(async ([name, module]) => ({
    name,
    module,
    found: await bytesOf(module, readers),
  }));
  for (const { name, module, found } of await Promise.all(loaded)) {
    const { origin } = module;
    const [field, place] = placeOf(module);
    if (!found.ok) {
      problems.push(origin.problem(["spec", field], found.reason));
      continue;
    }
    const { bytes } = found;
    const inspection = inspectModule(bytes);
    if (!inspection.ok) {
      for (const { message } of inspection.problems) {
        problems.push(origin.problem(["spec", field], `Envoy would refuse ${place}: ${message}`));
      }
      continue;
    }
    const stored = store.put(bytes, publicPlace(place));
    if (module.spec.sha256 !== undefined && module.spec.sha256 !== stored.sha256) {
      problems.push(origin.problem(["spec", "sha256"], `the SHA-256 of ${place} is ${stored.sha256}`));
    } else modules.set(name, { ...stored, bytes });
  }
  return { modules, problems };
}

/** The modules of a model that are fetched. */
export function remoteModules(model: Model): RemoteModule[] {
  return [...model.wasmModules.values()].map(remoteOf).filter((remote) => remote !== undefined);
}

function remoteOf({ spec }: WasmModule): RemoteModule | undefined {
  const { url, image, sha256 } = spec;
  if (url !== undefined && sha256 !== undefined) return { url, sha256 };
  if (image === undefined) return undefined;
  return sha256 === undefined ? { image } : { image, sha256 };
}

function placeOf({ spec, filePath = "" }: WasmModule): [field: "file" | "url" | "image", place: string] {
  if (spec.url !== undefined) return ["url", spec.url];
  return spec.image === undefined ? ["file", filePath] : ["image", spec.image];
}

type Bytes = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly reason: string };

async function bytesOf(module: WasmModule, { read, fetch }: ModuleReaders): Promise<Bytes> {
  const remote = remoteOf(module);
  try {
    return { ok: true, bytes: await (remote === undefined ? read(module.filePath ?? "") : fetch(remote)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, reason: remote === undefined ? `cannot read ${module.filePath ?? ""}: ${reason}` : reason };
  }
}
