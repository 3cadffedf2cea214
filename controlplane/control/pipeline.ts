import { compareProblems, ParsedFiles, type Model, type Problem } from "../model/index.ts";
import type { ModuleFetcher, ModuleStore, SignatureCheck } from "../modules/index.ts";
import type { ReloadStage } from "../observe/index.ts";
import { loadFromSource, type Source } from "../source/index.ts";
import { translate, type Translation, type TranslationSettings } from "../translate/index.ts";
import { FilterChecks, type LoadedModule } from "./filter-checks.ts";
import { loadModules, remoteModules, signatureUrls } from "./load-modules.ts";

/** What can be served. */
export interface Release {
  readonly model: Model;
  readonly modules: ReadonlyMap<string, LoadedModule>;
  readonly translation: Translation;
}

export interface PipelineOptions {
  /** Whether other control planes serve the same mesh: then Rollouts are refused. Default: no. */
  readonly isShared?: boolean;
  /** Finds out who has signed modules. Without it, nobody needs to have. */
  readonly signatures?: SignatureCheck;
}

/** A release, or all that is wrong with what the source holds, in the order of its files. */
export type PrepareResult =
  { readonly ok: true; readonly release: Release } | { readonly ok: false; readonly problems: readonly Problem[] };

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
  async prepare(source = this.#source, begin: (stage: ReloadStage) => void = () => undefined): Promise<PrepareResult> {
    begin("read");
    const result = await loadFromSource(source, this.#files);
    if (!result.ok) return result;
    const { model } = result;
    begin("modules");
    const loaded = await loadModules(model, this.#store, {
      read: (path) => source.read(path),
      fetcher: this.#fetcher,
      signatures: this.#options.signatures,
    });
    if (source === this.#source) {
      this.#fetcher.retain(remoteModules(model), signatureUrls(model));
      // One that could not be read for now is still meant.
      this.#read = new Map([...this.#read, ...loaded.modules].filter(([name]) => model.wasmModules.has(name)));
    }
    begin("check");
    const problems = [
      ...loaded.problems,
      ...this.#checkMtls(model),
      ...this.#checkRollouts(model),
      ...(await this.#checks.check(model, loaded.modules)),
    ];
    begin("translate");
    const translation = translate(model, loaded.modules, this.#settings, this.#translation);
    problems.push(...translation.check());
    if (problems.length > 0) return { ok: false, problems: problems.sort(compareProblems) };
    if (source === this.#source) this.#translation = translation;
    return { ok: true, release: { model, modules: loaded.modules, translation } };
  }

  /** A control plane judges a Rollout by the sidecars that are connected to it, and would take those of the others for lost. */
  #checkRollouts({ rollouts }: Model): Problem[] {
    if (this.#options.isShared !== true) return [];
    return [...rollouts.values()].map(({ origin }) =>
      origin.problem(["kind"], "Rollouts are carried out by a control plane that is alone; this one shares its store"),
    );
  }

  /** Without certificates, what is to be encrypted would travel in plaintext. */
  #checkMtls(model: Model): Problem[] {
    if (this.#settings.trustDomain !== undefined) return [];
    return [...model.services.values()]
      .filter(({ spec }) => spec.mtls !== "Off")
      .map(({ origin, spec }) =>
        origin.problem(["spec", "mtls"], `${spec.mtls} needs certificates, and this control plane issues none`),
      );
  }
}
