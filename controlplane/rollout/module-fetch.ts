import type { Figures } from "../fleet/index.ts";

/**
 * What became of modules that a sidecar was to fetch:
 * - `Failed`: whoever it asked answered with an error, or not at all.
 * - `OtherBytes`: bytes arrived, and they are not those that the SHA-256 names.
 */
export type FetchFault = "Failed" | "OtherBytes";

/** The cluster from which a sidecar fetches modules, as bootstrap names it. */
const REQUESTS = "cluster.meshwright-modules.upstream_rq_";

/** How many VMs were made, of whatever filter. */
const CREATED = "wasm.envoy.wasm.runtime.v8.created";

/** What a sidecar has told of its fetches, since it was given a module. */
export interface FetchCounts {
  /** VMs that were made, of whatever filter. */
  readonly created: number;
  /** Fetches that were answered with an error, or not at all. */
  readonly failed: number;
  /** Fetches that were answered with bytes. */
  readonly arrived: number;
  readonly isFetching: boolean;
}

/** @param figures of this sidecar alone, since it was given the module. */
export function fetchCounts(figures: Figures): FetchCounts {
  const sum = (...names: string[]): number => names.reduce((all, name) => all + (figures.stat(name) ?? 0), 0);
  return {
    created: sum(CREATED),
    failed: sum(`${REQUESTS}5xx`, `${REQUESTS}4xx`),
    arrived: sum(`${REQUESTS}2xx`),
    isFetching: sum(`${REQUESTS}active`) > 0,
  };
}

/**
 * Why a sidecar has no VM of a new module, as far as its statistics tell. Envoy's words are the same whatever is wrong, and its
 * `wasm.remote_load_*` begin anew too often; but bytes that Envoy takes for the module become a VM at once, also one that then refuses its
 * configuration.
 */
export function fetchFault({ created, failed, arrived }: FetchCounts): FetchFault | undefined {
  if (created > 0) return undefined;
  if (failed > 0) return "Failed";
  return arrived > 0 ? "OtherBytes" : undefined;
}

/** Whether a sidecar has fetched all modules that it was to fetch, and runs them: a filter that it still does not take, it refuses. */
export function hasFetched({ created, failed, arrived, isFetching }: FetchCounts): boolean {
  return created > 0 && arrived > 0 && failed === 0 && !isFetching;
}
