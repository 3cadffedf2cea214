import type { Stat } from "./series.ts";

/** A Wasm filter that a node accepted. */
export interface AcceptedFilter {
  readonly name: string;
  /**
   * Names its VM: filters of one proxy with the same `vm_id`, `vm_config.configuration` and code share one, all others
   * have their own. Any text that is equal for the former and differs for the latter.
   */
  readonly vm: string;
}

/**
 * - `accepted`: acknowledged, and no statistics that could prove more have come yet.
 * - `loaded`: its code runs.
 * - `failed`: its code does not run, though it was acknowledged.
 * - `unknown`: the node sends no statistics, or some VM is missing and it cannot be told whose.
 */
export type LoadState = "accepted" | "loaded" | "failed" | "unknown";

export interface LoadedOptions {
  /** How long the fetch of a module and the start of its VMs may take, in milliseconds. Default: 30 s. */
  readonly graceMs?: number;
  /** What came within this time after the acceptance may have been measured before it. Default: 1 s. */
  readonly marginMs?: number;
}

/**
 * Tells whether the filters that a node accepted really run there, by its statistics.
 *
 * An acknowledgement proves nothing by itself. A listener that was warming acknowledges before it fetches; one in
 * service acknowledges a module it does not have, and then passes requests by the filter. What Envoy 1.37.0, 1.39.3 and
 * 1.40.0 show then is the same:
 *
 * - `wasm.envoy.wasm.runtime.v8.active` counts the VMs that exist: for each distinct VM one on every worker
 *   (`server.concurrency`) and two more, the base and the main thread's. When a VM is missing, so are its counts;
 *   without any VM the statistic itself is gone. `wasm.wasm_vm_count`, which 1.37.0 lacks, counts the same.
 * - Several threads count at once, and `active` was seen one short for as long as Envoy ran, where `wasm_vm_count` was
 *   right. So the filters are taken to run if the greater of the two is more than all but one of their VMs could
 *   account for: `(distinct VMs - 1) * (concurrency + 2)`.
 * - `...v8.created` and `wasm.remote_load_*` start again from 0 when the last filter that they belong to is replaced,
 *   and `extension_config_discovery.http_filter.<name>.config_reload` counts rejected updates too. They prove nothing.
 *
 * VMs of earlier filters count until their last stream ends, so `active` can be too high after an update. That does no
 * harm: an update is delivered with `nack_on_code_cache_miss` (see xds/delivery.ts) and is acknowledged only when its
 * code is there and a canary VM took its configuration. A new process, where it is not, has no earlier VMs.
 *
 * @param acceptedAt when the last of these filters was accepted, in milliseconds since the epoch.
 * @param stats what the node reported, by name.
 */
export function loadedFilters(
  filters: readonly AcceptedFilter[],
  acceptedAt: number,
  stats: ReadonlyMap<string, Stat>,
  now: number,
  options: LoadedOptions = {},
): ReadonlyMap<string, LoadState> {
  const state = commonState(new Set(filters.map(({ vm }) => vm)).size, acceptedAt, stats, now, options);
  return new Map(filters.map(({ name }) => [name, state]));
}

function commonState(
  vms: number,
  acceptedAt: number,
  stats: ReadonlyMap<string, Stat>,
  now: number,
  { graceMs = 30_000, marginMs = 1_000 }: LoadedOptions,
): LoadState {
  const inGrace = now - acceptedAt < graceMs;
  const concurrency = since("server.concurrency");
  if (concurrency === undefined) return inGrace && stats.size > 0 ? "accepted" : "unknown";
  const active = Math.max(since("wasm.envoy.wasm.runtime.v8.active") ?? 0, since("wasm.wasm_vm_count") ?? 0);
  if (active > (vms - 1) * (concurrency + 2)) return "loaded";
  if (inGrace) return "accepted";
  return active === 0 ? "failed" : "unknown";

  /** The value of a statistic that was certainly measured after the acceptance. */
  function since(name: string): number | undefined {
    const stat = stats.get(name);
    return stat !== undefined && stat.at > acceptedAt + marginMs ? stat.value : undefined;
  }
}
