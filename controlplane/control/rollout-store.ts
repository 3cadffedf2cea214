import { hostname } from "node:os";
import { AssetStore } from "../journal/index.ts";
import type { ModuleStore } from "../modules/index.ts";
import { DurableRolloutStore, MemoryRolloutStore, Replication, type RolloutsOptions } from "../rollout/index.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import type { LoadedModule } from "./filter-checks.ts";

/**
 * Where Rollouts are kept. Where several control planes share the store, the modules that Rollouts are about are kept in it too: one that begins
 * later may have to serve an older one, which it cannot read from the source any more.
 */
export async function rolloutStoreOf(
  { store, isStoreShared, log }: Pick<ControlPlaneOptions, "store" | "isStoreShared" | "log">,
  modules: ModuleStore,
): Promise<Pick<RolloutsOptions<LoadedModule>, "store" | "replication" | "obtainModule">> {
  if (store === undefined) return { store: new MemoryRolloutStore() };
  if (isStoreShared !== true) return { store: new DurableRolloutStore(store) };
  const assets = new AssetStore(store);
  const replication = await Replication.join(store, hostname(), log);
  return {
    replication,
    store: new DurableRolloutStore(store, {
      term: () => replication.term,
      shareModule: async (sha256) => {
        const bytes = modules.get(sha256);
        if (bytes !== undefined) await assets.put(bytes);
      },
    }),
    obtainModule: async (sha256) => {
      modules.put(await assets.get(sha256), "another control plane");
    },
  };
}
