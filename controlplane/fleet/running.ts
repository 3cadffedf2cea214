import { TypeUrl } from "../xds/index.ts";
import type { NodeView } from "./fleet.ts";
import { loadedFilters, type LoadState } from "./loaded.ts";
import type { Stat } from "./series.ts";

/** Whether the filters that a node accepted run there, by name: what {@link loadedFilters} says of its view. */
export function runningFilters(
  { since, types }: NodeView,
  stats: ReadonlyMap<string, Stat>,
  now: number,
): ReadonlyMap<string, LoadState> {
  const type = types.find(({ typeUrl }) => typeUrl === TypeUrl.extensionConfig);
  // A filter keeps its VM from one configuration to the next, and each policy has a VM of its own.
  const accepted = (type?.resources ?? [])
    .filter(({ state }) => state === "synced")
    .map(({ name }) => ({ name, vm: name }));
  return loadedFilters(accepted, Math.max(since, type?.ackedAt ?? 0), stats, now);
}
