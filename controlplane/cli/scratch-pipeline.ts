import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pipeline, type PipelineOptions } from "../control/index.ts";
import { ModuleFetcher, ModuleStore, SignatureChecks } from "../modules/index.ts";
import { DEFAULT_TRUST_DOMAIN } from "../security/index.ts";
import { readKeys } from "../signatures/index.ts";
import { FolderSource, type Source } from "../source/index.ts";
import type { TranslationSettings } from "../translate/index.ts";
import { MODULES_CLUSTER } from "../bootstrap/index.ts";

/** What serve would use, as far as it makes a difference to what is good. */
const settings: TranslationSettings = {
  modulesAuthority: "127.0.0.1:18001",
  modulesCluster: MODULES_CLUSTER,
  trustDomain: DEFAULT_TRUST_DOMAIN,
};

/** Pipelines like those of serve, whose modules are in a folder of their own. */
export interface Scratch {
  readonly settings: TranslationSettings;
  readonly modules: ModuleStore;
  pipeline(source: Source): Pipeline;
}

/** Whose modules are taken: those that one of the keys in a folder has signed, those that ask for no key, or all without a look. */
export type Trust = { readonly moduleKeys: string | undefined } | "all";

/** Does something with such pipelines, and removes their folder. */
export async function withScratch<T>(work: (scratch: Scratch) => Promise<T>, trust: Trust = "all"): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-scratch-"));
  const modules = new ModuleStore(folder);
  const fetcher = new ModuleFetcher(modules, { patienceMs: 60_000 });
  try {
    const options = optionsFor(trust, modules, fetcher);
    return await work({
      settings,
      modules,
      pipeline: (source) => new Pipeline(source, modules, fetcher, settings, options),
    });
  } finally {
    fetcher.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function optionsFor(trust: Trust, modules: ModuleStore, fetcher: ModuleFetcher): PipelineOptions {
  if (trust === "all") return { signatures: { check: () => Promise.resolve() } };
  if (trust.moduleKeys === undefined) return {};
  const keys = readKeys(trust.moduleKeys);
  return { signatures: new SignatureChecks(modules, fetcher, () => keys) };
}

export function folderPipeline(scratch: Scratch, folder: string): Pipeline {
  return scratch.pipeline(new FolderSource(folder));
}
