import type { NodeInfo } from "../xds/index.ts";

/** What an Envoy says of itself, as far as it tells whether filters can run in it. */
export type EnvoyInfo = Partial<Pick<NodeInfo, "hasWasm" | "userAgentName" | "userAgentVersion">>;

/** The oldest Envoy that filters are delivered to. */
const OLDEST_ENVOY = [1, 37] as const;

/**
 * Why no filter of a FilterPolicy can run in an Envoy; undefined where it can, or does not say. Envoy rejects a listener that so much as names
 * Wasm where it was built without, and then keeps the listener that it had, without the filter.
 */
export function whyNoFilters({ hasWasm, userAgentName, userAgentVersion = "" }: EnvoyInfo): string | undefined {
  if (hasWasm === false) return "this Envoy was built without Wasm";
  const [major = 0, minor = 0] = userAgentVersion.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_ENVOY;
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  if (userAgentName !== "envoy" || userAgentVersion === "" || !isOld) return undefined;
  return `Envoy ${userAgentVersion} is older than ${OLDEST_ENVOY.join(".")}`;
}
