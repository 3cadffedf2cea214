import { readFile, stat } from "node:fs/promises";
import { readDocuments } from "../model/document.ts";
import { formatProblem, type FilterPolicy, type JsonObject, type Model } from "../model/index.ts";
import { FolderSource, loadFromSource } from "../source/index.ts";
import { AuthzError } from "./authz-error.ts";
import { isObject } from "./json.ts";

/** A configuration of authz, and the module that runs it. */
export interface Subject {
  readonly configuration: JsonObject;
  readonly module: Uint8Array;
}

export interface SubjectOptions {
  /** File of the module. Left out, that of the mesh, and `build/authz.wasm` for a configuration alone. */
  readonly module?: string | undefined;
  /** Name of the FilterPolicy, where there are several. */
  readonly policy?: string | undefined;
}

/** Where `npm run build:filters` puts it. */
const BUILT = "build/authz.wasm";

/**
 * Loads a configuration: a file that has it, or a folder of a mesh with a FilterPolicy that has it. Files are YAML or JSON.
 * @throws AuthzError that says what is wrong where.
 */
export async function loadSubject(path: string, options: SubjectOptions): Promise<Subject> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return loadFromMesh(path, options);
  const { documents, problems } = readDocuments({ path, text: (await read(path, "configuration")).toString() });
  const [document, second] = documents;
  if (problems.length > 0) throw new AuthzError(problems.map(formatProblem).join("\n"));
  if (document === undefined || second !== undefined) {
    throw new AuthzError(`${path}: expected one document, the configuration of authz`);
  }
  if (!isObject(document.value)) throw new AuthzError(`${path}: expected an object, the configuration of authz`);
  return { configuration: document.value, module: await read(options.module ?? BUILT, "module") };
}

async function loadFromMesh(folder: string, { module, policy }: SubjectOptions): Promise<Subject> {
  const result = await loadFromSource(new FolderSource(folder));
  if (!result.ok) throw new AuthzError(result.problems.map(formatProblem).join("\n"));
  const { model } = result;
  const chosen = choosePolicy(model, folder, policy);
  const file = module ?? model.wasmModules.get(chosen.spec.module)?.filePath;
  if (file === undefined)
    throw new AuthzError(`${folder}: there is no WasmModule ${chosen.spec.module}; give --module`);
  return { configuration: chosen.spec.configuration ?? {}, module: await read(file, "module") };
}

/** The policy of a name, or the only one that runs authz. */
function choosePolicy({ filterPolicies }: Model, folder: string, name: string | undefined): FilterPolicy {
  const policies = [...filterPolicies.values()].filter(({ spec }) => (spec.rootId ?? spec.module) === "authz");
  const fitting = name === undefined ? policies : policies.filter(({ metadata }) => metadata.name === name);
  const [first, second] = fitting;
  if (first !== undefined && second === undefined) return first;
  const names = policies.map(({ metadata }) => metadata.name).join(", ");
  const there = names === "" ? "there is none" : `there ${policies.length === 1 ? "is" : "are"} ${names}`;
  throw new AuthzError(
    name === undefined
      ? `${folder}: expected one FilterPolicy with the root id authz, ${there}${second === undefined ? "" : "; choose with --policy"}`
      : `${folder}: no FilterPolicy ${name} with the root id authz; ${there}`,
  );
}

async function read(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = isMissing ? "there is no such file" : String(error);
    const hint = what === "module" ? "; --module says where authz.wasm is" : "";
    throw new AuthzError(`${path}: cannot read the ${what}: ${reason}${hint}`);
  }
}
