import type { Figures } from "../fleet/index.ts";

/**
 * What became of modules that a sidecar was to fetch:
 * - `Failed`: whoever it asked answered with an error, or not at all.
 * - `OtherBytes`: bytes arrived, and they are not those that the SHA-256 names.
 */
export type FetchFault = "Failed" | "OtherBytes";

/** The cluster from which a sidecar fetches modules, as bootstrap names it. */
const ANSWERS = "cluster.meshwright-modules.upstream_rq_";

/**
 * Why a sidecar has no VM of a new module, as far as its statistics tell. Envoy's words are the same whatever is wrong, and its
 * `wasm.remote_load_*` begin anew too often; but bytes that Envoy takes for the module become a VM at once, also one that then refuses its
 * configuration.
 *
 * @param figures of this sidecar alone, since it was given the module.
 */
export function fetchFault(figures: Figures): FetchFault | undefined {
  const count = (name: string): number => figures.stat(name) ?? 0;
  if (count("wasm.envoy.wasm.runtime.v8.created") > 0) return undefined;
  if (count(`${ANSWERS}5xx`) + count(`${ANSWERS}4xx`) > 0) return "Failed";
  return count(`${ANSWERS}2xx`) > 0 ? "OtherBytes" : undefined;
}
