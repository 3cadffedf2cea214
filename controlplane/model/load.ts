import type { AssetReference, Assets } from "./assets.ts";
import { resolveAsset, unreadable } from "./assets.ts";
import { checkModel } from "./checks.ts";
import { ConfigurationSchema, configurationPath } from "./configuration.ts";
import { readDocuments } from "./document.ts";
import type { Document, Origin, SourceFile } from "./document.ts";
import { noteSchema } from "./known-schemas.ts";
import { compareProblems } from "./problem.ts";
import type { Problem } from "./problem.ts";
import type { MayExist } from "./references.ts";
import type {
  Certificate,
  EnvoyPatch,
  FilterPolicy,
  GRPCRoute,
  HTTPRoute,
  Kind,
  Mesh,
  Model,
  Quota,
  Resource,
  Rollout,
  Service,
  Telemetry,
  WasmModule,
} from "./resources.ts";
import { describe, schemaFaults } from "./schema-faults.ts";
import { apiVersions, resourceSchemas } from "./schemas.ts";
import { didYouMean } from "./suggest.ts";

/** A model, or everything that is wrong with what the user wrote, in the order of the files. */
export type LoadResult =
  { readonly ok: true; readonly model: Model } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The resources of all files, each valid in itself, and the faults of those that are not. */
export interface ParsedResources {
  readonly resources: readonly Resource[];
  readonly problems: readonly Problem[];
  /** The files that WasmModules name, for the source to look up. */
  readonly references: readonly AssetReference[];
  readonly mayExist: MayExist;
  /** The documents that are no resources, by what is known of them. */
  readonly faulty: readonly FaultyDocument[];
}

/** Reads files into a model. Finds all faults at once. Without `assets`, the files that WasmModules name are not checked. */
export function loadModel(files: readonly SourceFile[], assets?: Assets): LoadResult {
  return buildModel(parseResources(files), assets);
}

/**
 * The first half of {@link loadModel}: reads each resource on its own. Never throws.
 *
 * @param known files of before; a file that is as it was gives the very resources that it gave then.
 */
export function parseResources(files: readonly SourceFile[], known = new ParsedFiles()): ParsedResources {
  const parsed = known.parse(files).map((file, index) => ({ path: files[index]?.path ?? "", ...file }));
  const references = parsed.flatMap(({ resources }) => resources.flatMap(referencesOf));
  // A JSON Schema may lie among the resources, and is none.
  const schemas = new Set([
    ...references.filter(({ use }) => use === "schema").map(({ path }) => path),
    ...parsed.flatMap((file) => file.faulty.flatMap(schemaOf)),
  ]);
  const counted = parsed.filter(({ path }) => !schemas.has(path));
  const faulty = counted.flatMap((file) => file.faulty);
  return {
    resources: counted.flatMap(({ resources }) => resources),
    problems: counted.flatMap(({ problems }) => problems),
    references,
    faulty,
    mayExist: (kind, name) => faulty.some((one) => (one.kind ?? kind) === kind && (one.name ?? name) === name),
  };
}

/** A document that is no resource for its faults; nothing is known of a part of a file that is no document. */
export interface FaultyDocument {
  readonly kind?: Kind;
  readonly name?: string;
  /** What was written in place of a spec. */
  readonly spec?: unknown;
  readonly origin?: Origin;
}

interface ParsedFile {
  readonly resources: readonly Resource[];
  readonly problems: readonly Problem[];
  /** The documents that are no resources, by what is known of them. */
  readonly faulty: readonly FaultyDocument[];
}

/** What the files of the last reading held. */
export class ParsedFiles {
  #known: ReadonlyMap<string, { readonly file: SourceFile; readonly parsed: ParsedFile }> = new Map();

  /** Parses what has changed. */
  parse(files: readonly SourceFile[]): ParsedFile[] {
    const known = new Map<string, { readonly file: SourceFile; readonly parsed: ParsedFile }>();
    const all = files.map((file) => {
      const key = JSON.stringify([file.path, file.line, file.owner]);
      const before = this.#known.get(key);
      const isSame = before?.file.text === file.text && before.file.assets === file.assets;
      const parsed = before !== undefined && isSame ? before.parsed : parseFile(file);
      known.set(key, { file, parsed });
      return parsed;
    });
    // What is no more, is forgotten.
    this.#known = known;
    return all;
  }
}

function parseFile(file: SourceFile): ParsedFile {
  const { documents, problems } = readDocuments(file);
  const resources: Resource[] = [];
  const faulty: FaultyDocument[] = problems.length > 0 ? [{}] : [];
  for (const document of documents) {
    const result = parseResource(document);
    problems.push(...result.problems);
    if (result.resource !== undefined) resources.push(result.resource);
    else faulty.push({ ...identityOf(document.value), origin: document.origin });
  }
  return { resources, problems, faulty };
}

/** Where the JSON Schema of a faulty WasmModule is, as far as that can be read. */
function schemaOf({ kind, spec, origin }: FaultyDocument): string[] {
  if (kind !== "WasmModule" || origin === undefined) return [];
  const { schema } = (spec ?? {}) as { schema?: unknown };
  return typeof schema === "string" ? [resolveAsset(origin.file, schema)] : [];
}

function referencesOf(resource: Resource): AssetReference[] {
  const { origin } = resource;
  const owner = origin.owner === undefined ? {} : { owner: origin.owner };
  if (resource.kind === "Certificate")
    return Object.values(resource.paths ?? {}).map((path: string) => ({ path, use: "pem", ...owner }));
  if (resource.kind !== "WasmModule") return [];
  const { filePath, schemaPath, signaturePath } = resource;
  const references: AssetReference[] = [];
  if (filePath !== undefined) references.push({ path: filePath, use: "module", ...owner });
  if (schemaPath !== undefined) references.push({ path: schemaPath, use: "schema", ...owner });
  if (signaturePath !== undefined) references.push({ path: signaturePath, use: "signature", ...owner });
  return references;
}

/** The second half of {@link loadModel}: checks the resources against one another and against the files they name. */
export function buildModel(parsed: ParsedResources, assets?: Assets): LoadResult {
  const problems = [...parsed.problems];
  const ofKind = <R extends Resource>(kind: R["kind"]): ReadonlyMap<string, R> => {
    const byName = new Map<string, R>();
    for (const resource of parsed.resources) {
      if (resource.kind !== kind) continue;
      const { name } = resource.metadata;
      const first = byName.get(name);
      if (first === undefined) byName.set(name, resource as R);
      else problems.push(duplicate(resource, first));
    }
    return new Map([...byName].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const model: Model = Object.freeze({
    services: ofKind<Service>("Service"),
    httpRoutes: ofKind<HTTPRoute>("HTTPRoute"),
    grpcRoutes: ofKind<GRPCRoute>("GRPCRoute"),
    wasmModules: ofKind<WasmModule>("WasmModule"),
    filterPolicies: ofKind<FilterPolicy>("FilterPolicy"),
    quotas: ofKind<Quota>("Quota"),
    rollouts: ofKind<Rollout>("Rollout"),
    envoyPatches: ofKind<EnvoyPatch>("EnvoyPatch"),
    telemetries: ofKind<Telemetry>("Telemetry"),
    meshes: ofKind<Mesh>("Mesh"),
    certificates: ofKind<Certificate>("Certificate"),
  });
  problems.push(...checkModel(model, parsed.mayExist));
  if (assets !== undefined) problems.push(...checkAssets(model, assets));
  return problems.length === 0 ? { ok: true, model } : { ok: false, problems: problems.sort(compareProblems) };
}

function parseResource({ value, origin }: Document): { resource?: Resource; problems: Problem[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problems: [origin.problem([], "expected a resource: a map with apiVersion, kind, metadata and spec")] };
  }
  const { kind } = value as { kind?: unknown };
  if (!isKind(kind)) {
    const kinds = Object.keys(apiVersions);
    const found = kind === undefined ? "required field is missing" : `found ${describe(kind)}`;
    const hint = typeof kind === "string" ? didYouMean(kind, kinds) : "";
    return { problems: [origin.problem(["kind"], `${found}, expected one of ${kinds.join(", ")}${hint}`)] };
  }
  const problems = schemaFaults(resourceSchemas[kind], value).map(({ path, at, message }) =>
    origin.problem(path, message, at),
  );
  if (problems.length > 0) return { problems };
  // The schema has just established the type.
  const checked = deepFreeze(value) as unknown as Omit<Resource, "origin">;
  const resource = { ...checked, origin } as Resource;
  return { resource: Object.freeze(withFiles(resource)), problems };
}

function withFiles(resource: Resource): Resource {
  if (resource.kind === "WasmModule") return withPaths(resource);
  // What was sent names no files of this machine.
  if (resource.kind !== "Certificate" || resource.origin.assets !== undefined) return resource;
  const { file, secrets } = resource.origin;
  const known = secrets === undefined ? undefined : new Map(Object.entries(secrets));
  const find = (name: string): string => known?.get(name) ?? resolveAsset(file, name);
  const paths = Object.fromEntries(Object.entries(resource.spec).map(([field, name]) => [field, find(name as string)]));
  return { ...resource, paths };
}

function isUrl(place: string): boolean {
  return /^https?:/.test(place);
}

function withPaths(module: WasmModule): WasmModule {
  const { file, schema, signature } = module.spec;
  const { assets, file: from } = module.origin;
  // What was sent without its files is not looked for in those of this machine.
  const find = (name: string): string =>
    assets === undefined
      ? resolveAsset(from, name)
      : (new Map(Object.entries(assets)).get(name) ?? `${name} (not sent along)`);
  return {
    ...module,
    ...(file === undefined ? {} : { filePath: find(file) }),
    ...(schema === undefined ? {} : { schemaPath: find(schema) }),
    ...(signature === undefined || isUrl(signature) ? {} : { signaturePath: find(signature) }),
  };
}

function checkAssets(model: Model, assets: Assets): Problem[] {
  const problems: Problem[] = [];
  const schemas = new Map<string, ConfigurationSchema>();
  for (const module of model.wasmModules.values()) {
    const { metadata, origin, filePath, schemaPath, signaturePath } = module;
    if (filePath !== undefined) {
      const file = assets.get(filePath);
      if (file?.ok !== true) problems.push(unreadable(origin, ["spec", "file"], filePath, file));
    }
    if (signaturePath !== undefined) {
      const file = assets.get(signaturePath);
      if (file?.ok !== true) problems.push(unreadable(origin, ["spec", "signature"], signaturePath, file));
    }
    if (schemaPath === undefined) {
      noteSchema(module, undefined);
      continue;
    }
    const asset = assets.get(schemaPath);
    if (asset?.ok !== true || asset.text === undefined) {
      problems.push(unreadable(origin, ["spec", "schema"], schemaPath, asset));
      continue;
    }
    const { schema, problems: faults } = ConfigurationSchema.parse(schemaPath, asset.text);
    problems.push(...faults);
    if (schema === undefined) continue;
    schemas.set(metadata.name, schema);
    noteSchema(module, schema);
  }
  for (const { origin, spec } of model.filterPolicies.values()) {
    const schema = schemas.get(spec.module);
    if (schema !== undefined) problems.push(...schema.check(spec.configuration ?? {}, origin, configurationPath));
  }
  return problems;
}

function duplicate(resource: Resource, first: Resource): Problem {
  const { file, line } = first.origin.locate(["metadata", "name"]);
  const { kind, metadata } = resource;
  const [one, other] = [resource.origin.owner, first.origin.owner];
  if (one !== other) {
    return resource.origin.problem(
      ["metadata", "name"],
      `${kind} ${metadata.name} has two owners: ${one ?? "this file"}, and ${other ?? "a file"} (${file}:${line})`,
    );
  }
  return resource.origin.problem(
    ["metadata", "name"],
    `there is another ${resource.kind} ${resource.metadata.name} (${file}:${line})`,
  );
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === "string" && Object.hasOwn(apiVersions, kind);
}

function identityOf(value: unknown): FaultyDocument {
  const { kind, metadata, spec } = (value ?? {}) as {
    kind?: unknown;
    metadata?: { name?: unknown } | null;
    spec?: unknown;
  };
  const name = metadata?.name;
  return { ...(isKind(kind) ? { kind } : {}), ...(typeof name === "string" ? { name } : {}), spec };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
