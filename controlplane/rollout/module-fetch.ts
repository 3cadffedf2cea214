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

/**
 * Why a sidecar has no VM of a new module, as far as its statistics tell. Envoy's words are the same whatever is wrong, and its
 * `wasm.remote_load_*` begin anew too often; but bytes that Envoy takes for the module become a VM at once, also one that then refuses its
 * configuration.
 *
 * @param figures of this sidecar alone, since it was given the module.
 */
export function fetchFault(figures: Figures): FetchFault | undefined {
  const { created, failed, arrived } = fetchesOf(figures);
  if (created) return undefined;
  if (failed) return "Failed";
  return arrived ? "OtherBytes" : undefined;
}

/**
 * Whether a sidecar has fetched all modules that it was to fetch, and runs them: a filter that it still does not take, it refuses.
 *
 * @param figures of this sidecar alone, since it was given the module.
 */
export function hasFetched(figures: Figures): boolean {
  const { created, failed, arrived, isFetching } = fetchesOf(figures);
  return created && arrived && !failed && !isFetching;
}

function fetchesOf(figures: Figures): Record<"created" | "failed" | "arrived" | "isFetching", boolean> {
  const isSome = (...names: string[]): boolean => names.some((name) => (figures.stat(name) ?? 0) > 0);
  return {
    created: isSome(CREATED),
    failed: isSome(`${REQUESTS}5xx`, `${REQUESTS}4xx`),
    arrived: isSome(`${REQUESTS}2xx`),
    isFetching: isSome(`${REQUESTS}active`),
  };
}
