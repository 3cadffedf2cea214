import { readFile, stat } from "node:fs/promises";
import { readDocuments } from "../model/document.ts";
import { formatProblem, type FilterPolicy, type JsonObject, type Model } from "../model/index.ts";
import { FolderSource, loadFromSource } from "../source/index.ts";
import { InputError } from "./input-error.ts";
import { isObject } from "./json.ts";

/** A configuration of a filter, and the module that runs it. */
export interface Subject {
  readonly configuration: JsonObject;
  readonly module: Uint8Array;
}

export interface SubjectOptions {
  /** File of the module. Left out, that of the mesh, and that in `build/` for a configuration alone. */
  readonly module?: string | undefined;
  /** Name of the FilterPolicy, where there are several. */
  readonly policy?: string | undefined;
}

/** Where `npm run build:filters` puts it. */
const built = (filter: string): string => `build/${filter}.wasm`;

/**
 * Loads a configuration: a file that has it, or a folder of a mesh with a FilterPolicy that has it. Files are YAML or JSON.
 * @param filter its root id.
 * @throws InputError that says what is wrong where.
 */
export async function loadSubject(filter: string, path: string, options: SubjectOptions): Promise<Subject> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return loadFromMesh(filter, path, options);
  const { documents, problems } = readDocuments({ path, text: (await readConfiguration(path)).toString() });
  const [document, second] = documents;
  if (problems.length > 0) throw new InputError(problems.map(formatProblem).join("\n"));
  if (document === undefined || second !== undefined) {
    throw new InputError(`${path}: expected one document, the configuration of ${filter}`);
  }
  if (!isObject(document.value)) throw new InputError(`${path}: expected an object, the configuration of ${filter}`);
  return { configuration: document.value, module: await readModule(options.module ?? built(filter), filter) };
}

async function loadFromMesh(filter: string, folder: string, { module, policy }: SubjectOptions): Promise<Subject> {
  const result = await loadFromSource(new FolderSource(folder));
  if (!result.ok) throw new InputError(result.problems.map(formatProblem).join("\n"));
  const { model } = result;
  const chosen = choosePolicy(filter, model, folder, policy);
  const file = module ?? model.wasmModules.get(chosen.spec.module)?.filePath;
  if (file === undefined)
    throw new InputError(`${folder}: WasmModule ${chosen.spec.module} is in no file here; give --module`);
  return { configuration: chosen.spec.configuration ?? {}, module: await readModule(file, filter) };
}

/** The policy of a name, or the only one that runs the filter. */
function choosePolicy(
  filter: string,
  { filterPolicies }: Model,
  folder: string,
  name: string | undefined,
): FilterPolicy {
  const policies = [...filterPolicies.values()].filter(({ spec }) => (spec.rootId ?? spec.module) === filter);
  const fitting = name === undefined ? policies : policies.filter(({ metadata }) => metadata.name === name);
  const [first, second] = fitting;
  if (first !== undefined && second === undefined) return first;
  const names = policies.map(({ metadata }) => metadata.name).join(", ");
  const there = names === "" ? "there is none" : `there ${policies.length === 1 ? "is" : "are"} ${names}`;
  throw new InputError(
    name === undefined
      ? `${folder}: expected one FilterPolicy with the root id ${filter}, ${there}${second === undefined ? "" : "; choose with --policy"}`
      : `${folder}: no FilterPolicy ${name} with the root id ${filter}; ${there}`,
  );
}

function readConfiguration(path: string): Promise<Buffer> {
  return read(path, "configuration", "");
}

function readModule(path: string, filter: string): Promise<Buffer> {
  return read(path, "module", `; --module says where ${filter}.wasm is`);
}

async function read(path: string, what: string, hint: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = isMissing ? "there is no such file" : String(error);
    throw new InputError(`${path}: cannot read the ${what}: ${reason}${hint}`);
  }
}
