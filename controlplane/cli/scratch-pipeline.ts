import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pipeline } from "../control/index.ts";
import { ModuleFetcher, ModuleStore } from "../modules/index.ts";
import { DEFAULT_TRUST_DOMAIN } from "../security/index.ts";
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

/** Does something with such pipelines, and removes their folder. */
export async function withScratch<T>(work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-scratch-"));
  const modules = new ModuleStore(folder);
  const fetcher = new ModuleFetcher(modules, { patienceMs: 60_000 });
  try {
    return await work({
      settings,
      modules,
      pipeline: (source) => new Pipeline(source, modules, fetcher, settings),
    });
  } finally {
    fetcher.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export function folderPipeline(scratch: Scratch, folder: string): Pipeline {
  return scratch.pipeline(new FolderSource(folder));
}
