import { loadMaterials, type Materials } from "../certificates/index.ts";
import { isolate, type Held, type LastGood } from "../isolate/index.ts";
import { buildModel, compareProblems, meshOf, ParsedFiles, parseResources } from "../model/index.ts";
import type { Assets, Model, ParsedResources, Problem } from "../model/index.ts";
import type { ModuleFetcher, ModuleStore, SignatureCheck } from "../modules/index.ts";
import type { ReloadStage } from "../observe/index.ts";
import type { Source } from "../source/index.ts";
import { translate, type Translation, type TranslationSettings } from "../translate/index.ts";
import { FilterChecks, type LoadedModule } from "./filter-checks.ts";
import { loadModules, remoteModules, signatureProblem, signatureUrls, type ModuleReaders } from "./load-modules.ts";

/** What can be served. */
export interface Release {
  readonly model: Model;
  readonly modules: ReadonlyMap<string, LoadedModule>;
  readonly translation: Translation;
  /** What the files of Certificates hold. */
  readonly certificates: Materials;
}

export interface PipelineOptions {
  /** Whether what is served travels encrypted: else no private key is sent. Default: yes. */
  readonly isEncrypted?: boolean;
  /** Finds out who has signed modules. Without it, nobody needs to have. */
  readonly signatures?: SignatureCheck;
}

/** A release, or all that is wrong with what the source holds, in the order of its files. */
export type PrepareResult =
  { readonly ok: true; readonly release: Release } | { readonly ok: false; readonly problems: readonly Problem[] };

/** As {@link PrepareResult}; `held` is what the release has in place of what is faulty, and `problems` all that is. */
export type PrepareAroundResult =
  | { readonly ok: true; readonly release: Release; readonly held: Held; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const nothing: Held = { kept: [], leftOut: [] };

type Modules = ReadonlyMap<string, LoadedModule>;
/** What stays as it was, as it was. */
type Kept = Pick<LastGood<LoadedModule>, "modules" | "certificates">;
type Begin = (stage: ReloadStage) => void;

/**
 * From a source to what sidecars are served: the resources each in itself, then against one another, then the modules,
 * then each filter on its configuration, then Envoy's resources. Nothing leaves it with a fault.
 */
export class Pipeline {
  readonly #source: Source;
  readonly #store: ModuleStore;
  readonly #fetcher: ModuleFetcher;
  readonly #settings: TranslationSettings;
  readonly #options: PipelineOptions;
  readonly #checks = new FilterChecks();
  readonly #files = new ParsedFiles();
  #translation: Translation | undefined;
  #read: ReadonlyMap<string, LoadedModule> = new Map();

  constructor(
    source: Source,
    store: ModuleStore,
    fetcher: ModuleFetcher,
    settings: TranslationSettings,
    options: PipelineOptions = {},
  ) {
    this.#options = options;
    this.#source = source;
    this.#store = store;
    this.#fetcher = fetcher;
    this.#settings = settings;
  }

  /** The modules that the usual source was last seen to have, by WasmModule, whether it could be served or not. */
  get read(): ReadonlyMap<string, LoadedModule> {
    return this.#read;
  }

  /**
   * @param source another than the usual one, to look at it beforehand.
   * @param begin is told of each stage when it begins.
   */
  async prepare(source = this.#source, begin: Begin = () => undefined): Promise<PrepareResult> {
    const { parsed, assets } = await this.#readFrom(source, begin);
    return this.#check(parsed, assets, source, begin);
  }

  /**
   * As `prepare`, but in place of what is faulty there is what was good last, or nothing; see `isolate`.
   *
   * @param findLast is called when something is faulty.
   */
  async prepareAround(
    findLast: () => Promise<LastGood<LoadedModule>>,
    source = this.#source,
    begin: Begin = () => undefined,
  ): Promise<PrepareAroundResult> {
    const { parsed, assets } = await this.#readFrom(source, begin);
    const whole = await this.#check(parsed, assets, source, begin);
    if (whole.ok) return { ...whole, held: nothing, problems: [] };
    const last = await findLast();
    const isSameModule = await this.#compareModules(parsed, source, last.modules);
    const result = await isolate(parsed, { resources: last.resources, isSameModule }, async ({ resources, kept }) => {
      const candidate = { resources, problems: [], references: [], faulty: [], mayExist: () => false };
      const modules = new Map([...last.modules].filter(([name]) => kept.has(`WasmModule ${name}`)));
      const certificates = new Map([...last.certificates].filter(([name]) => kept.has(`Certificate ${name}`)));
      const checked = await this.#check(candidate, assets, source, begin, { modules, certificates });
      return checked.ok ? { ok: true, value: checked.release } : checked;
    });
    // All faults were found at the first look; what was found later comes of what was taken out.
    if (!result.ok) return whole;
    return { ok: true, release: result.value, held: result.held, problems: whole.problems };
  }

  /**
   * Without the modules that nobody has signed who is trusted now: keys may have changed since an earlier process took them. And without the
   * Certificates whose files are not known, with the Services that need them.
   */
  async trusted({ resources, modules, certificates }: LastGood<LoadedModule>): Promise<LastGood<LoadedModule>> {
    const isWhole = (name: string | undefined): boolean => name === undefined || certificates.has(name);
    const good = await Promise.all(
      resources.map(async (resource) => {
        if (resource.kind === "Certificate") return isWhole(resource.metadata.name);
        if (resource.kind === "Service") {
          const { inboundTls, endpointTls } = resource.spec;
          const names = [inboundTls?.certificate, inboundTls?.trust, endpointTls?.trust, endpointTls?.certificate];
          return names.every(isWhole);
        }
        if (resource.kind !== "WasmModule") return true;
        const found = modules.get(resource.metadata.name);
        const { signature } = resource.spec;
        // The file of a signature is not kept.
        if (found === undefined || (signature !== undefined && !URL.canParse(signature))) return false;
        return (await signatureProblem(resource, found, this.#readers(this.#source))) === undefined;
      }),
    );
    return { resources: resources.filter((_, index) => good[index]), modules, certificates };
  }

  async #readFrom(source: Source, begin: Begin): Promise<{ parsed: ParsedResources; assets: Assets }> {
    begin("read");
    const parsed = parseResources(await source.list(), this.#files);
    return { parsed, assets: await source.readAssets(parsed.references) };
  }

  /** @param kept what is not looked for, as it stays as it was; without it, the source is looked at as it is. */
  async #check(
    parsed: ParsedResources,
    assets: Assets,
    source: Source,
    begin: Begin,
    kept?: Kept,
  ): Promise<PrepareResult> {
    const result = buildModel(parsed, assets);
    if (!result.ok) return result;
    const { model } = result;
    begin("modules");
    const named = [...model.wasmModules].filter(([name]) => kept?.modules.has(name) !== true);
    const loaded = await this.#load(new Map(named), source);
    const modules = new Map([...loaded.modules, ...(kept?.modules ?? [])]);
    if (source === this.#source && kept === undefined) {
      this.#fetcher.retain(remoteModules(model), signatureUrls(model));
      // One that could not be read for now is still meant.
      this.#read = new Map([...this.#read, ...modules].filter(([name]) => model.wasmModules.has(name)));
    }
    begin("check");
    const certificates = loadMaterials(model, assets, kept?.certificates);
    const problems = [
      ...certificates.problems,
      ...this.#checkEncryption(model),
      ...loaded.problems,
      ...this.#checkMtls(model),
      ...(await this.#checks.check(model, modules)),
    ];
    begin("translate");
    const translation = translate(model, modules, this.#settings, this.#translation);
    problems.push(...translation.check());
    if (problems.length > 0) return { ok: false, problems: problems.sort(compareProblems) };
    if (source === this.#source) this.#translation = translation;
    return { ok: true, release: { model, modules, translation, certificates: certificates.materials } };
  }

  #load(wasmModules: Model["wasmModules"], source: Source): ReturnType<typeof loadModules> {
    return loadModules({ wasmModules }, this.#store, this.#readers(source));
  }

  #readers(source: Source): ModuleReaders {
    return {
      read: (path) => source.read(path),
      fetcher: this.#fetcher,
      signatures: this.#options.signatures,
    };
  }

  /** Tells of each WasmModule that was read whether it has the bytes that it had. */
  async #compareModules(
    { resources }: ParsedResources,
    source: Source,
    last: Modules,
  ): Promise<(name: string) => boolean> {
    const read = resources.filter((resource) => resource.kind === "WasmModule");
    const { modules } = await this.#load(new Map(read.map((module) => [module.metadata.name, module])), source);
    return (name) => modules.has(name) && modules.get(name)?.sha256 === last.get(name)?.sha256;
  }

  #checkEncryption({ certificates }: Model): Problem[] {
    if (this.#options.isEncrypted !== false) return [];
    return [...certificates.values()]
      .filter(({ spec }) => spec.keyFile !== undefined)
      .map(({ origin }) =>
        origin.problem(
          ["spec", "keyFile"],
          "no private key is sent without encryption, and this control plane was started with --insecure",
        ),
      );
  }

  /** Without certificates, what is to be encrypted would travel in plaintext. */
  #checkMtls(model: Model): Problem[] {
    if (this.#settings.trustDomain !== undefined) return [];
    const ofMesh = meshOf(model);
    const written = [
      ...(ofMesh === undefined
        ? []
        : [{ origin: ofMesh.origin, mtls: ofMesh.spec.services?.mtls, path: ["spec", "services", "mtls"] }]),
      ...[...model.services.values()].map(({ origin, spec }) => ({ origin, mtls: spec.mtls, path: ["spec", "mtls"] })),
    ];
    return written.flatMap(({ origin, mtls = "Off", path }) =>
      mtls === "Off" ? [] : [origin.problem(path, `${mtls} needs certificates, and this control plane issues none`)],
    );
  }
}
