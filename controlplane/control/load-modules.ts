import { inspectModule } from "@meshwright/host";
import type { Model, Problem, WasmModule } from "../model/index.ts";
import {
  imageName,
  publicPlace,
  type ModuleFetcher,
  type ModuleStore,
  type RemoteModule,
  type SignatureCheck,
} from "../modules/index.ts";
import type { LoadedModule } from "./filter-checks.ts";

/** Where the bytes of modules come from. */
export interface ModuleReaders {
  /** Reads a file of the source. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** Brings modules from elsewhere. */
  readonly fetcher: Pick<ModuleFetcher, "fetch" | "pin" | "forget">;
  /** Finds out who has signed a module; undefined where nobody needs to have. */
  readonly signatures: SignatureCheck | undefined;
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
  const accepted: Promise<void>[] = [];
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
    const stored = store.put(bytes, place);
    if (module.spec.sha256 !== undefined && module.spec.sha256 !== stored.sha256) {
      problems.push(origin.problem(["spec", "sha256"], `the SHA-256 of ${place} is ${stored.sha256}`));
      continue;
    }
    accepted.push(
      acceptOne(module, { ...stored, bytes }, readers).then((problem) => {
        if (problem === undefined) modules.set(name, { ...stored, bytes });
        else problems.push(problem);
      }),
    );
  }
  await Promise.all(accepted);
  return { modules, problems };
}

/** Takes a module, or says why not. An image is pinned to what is taken, so that one which will not do can be mended under its tag. */
async function acceptOne(
  module: WasmModule,
  found: LoadedModule,
  readers: ModuleReaders,
): Promise<Problem | undefined> {
  const { origin, spec } = module;
  const problem = await signatureProblem(module, found, readers);
  const image = imageOf(spec);
  if (image === undefined) return problem;
  if (problem !== undefined) {
    readers.fetcher.forget(image);
    return problem;
  }
  try {
    await readers.fetcher.pin(image, found.sha256);
    return undefined;
  } catch (error) {
    return origin.problem(["spec", "image"], error instanceof Error ? error.message : String(error));
  }
}

/** Why a module is not taken for one of those who may sign modules. */
export async function signatureProblem(
  { origin, spec, signaturePath }: WasmModule,
  { bytes, sha256 }: LoadedModule,
  { read, signatures }: ModuleReaders,
): Promise<Problem | undefined> {
  const { signature: url, verify: keys } = spec;
  const image = imageOf(spec);
  if (signatures === undefined) {
    if (keys === undefined) return undefined;
    return origin.problem(["spec", "verify"], "this control plane knows no keys: see serve --module-keys");
  }
  const field = url !== undefined ? "signature" : image !== undefined ? "image" : "signature";
  try {
    const signature =
      signaturePath === undefined ? url && { url } : { text: Buffer.from(await read(signaturePath)).toString("utf8") };
    await signatures.check({
      bytes,
      sha256,
      ...(image === undefined ? {} : { image }),
      ...(signature === undefined || signature === "" ? {} : { signature }),
      ...(keys === undefined ? {} : { keys }),
    });
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return origin.problem(["spec", field], `the module ${sha256} is refused: ${reason}`);
  }
}

/** The image of a module as the fetcher knows it. */
export function imageOf({ image, imagePullSecrets }: WasmModule["spec"]): string | undefined {
  return image && imageName(image, imagePullSecrets);
}

/** The modules of a model that are fetched. */
export function remoteModules(model: Model): RemoteModule[] {
  return [...model.wasmModules.values()].map(remoteOf).filter((remote) => remote !== undefined);
}

/** Where signatures are fetched from that stand at no image. */
export function signatureUrls(model: Model): string[] {
  return [...model.wasmModules.values()].flatMap(({ spec, signaturePath }) =>
    signaturePath === undefined && spec.signature !== undefined ? [spec.signature] : [],
  );
}

function remoteOf({ spec }: WasmModule): RemoteModule | undefined {
  const { url, sha256 } = spec;
  const image = imageOf(spec);
  if (url !== undefined && sha256 !== undefined) return { url, sha256 };
  if (image === undefined) return undefined;
  return sha256 === undefined ? { image } : { image, sha256 };
}

function placeOf({ spec, filePath = "" }: WasmModule): [field: "file" | "url" | "image", place: string] {
  if (spec.url !== undefined) return ["url", publicPlace(spec.url)];
  return spec.image === undefined ? ["file", filePath] : ["image", spec.image];
}

type Bytes = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly reason: string };

async function bytesOf(module: WasmModule, { read, fetcher }: ModuleReaders): Promise<Bytes> {
  const remote = remoteOf(module);
  try {
    return { ok: true, bytes: await (remote === undefined ? read(module.filePath ?? "") : fetcher.fetch(remote)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, reason: remote === undefined ? `cannot read ${module.filePath ?? ""}: ${reason}` : reason };
  }
}
