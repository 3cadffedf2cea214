import type { RolloutFleet } from "./fleet.ts";

/** What an Envoy says of the filter that it has. */
export interface Held {
  /** Its configuration dump of filters, with the times at which it took them. */
  readonly dump: string;
  /** The same, without the times. */
  readonly bytes: string;
  /** The same, without the times, and without what only tells attempts at delivering one version apart. */
  readonly content: string;
  /** Its counters of what it was sent of the filter. */
  readonly sent: string;
}

/** What each sidecar holds, by node. */
export async function heldBy(fleet: RolloutFleet): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  for (const node of fleet.nodes) {
    const envoy = fleet.envoy(node);
    const dump = await envoy.admin("/config_dump?resource=ecds_filters");
    const sent = [
      ...(await envoy.stats("^extension_config_discovery\\..*\\.(config_|update_(success|rejected)|version)")),
    ]
      .map(([name, n]) => `${name}: ${n}`)
      .join("\n");
    held.set(node, { dump, bytes: withoutTimes(dump), content: contentOf(dump), sent });
  }
  return held;
}

function withoutTimes(dump: string): string {
  const value: unknown = JSON.parse(dump, (key: string, one: unknown) => (key === "last_updated" ? undefined : one));
  return JSON.stringify(value);
}

/** A version that is delivered again has a number in the address of its module and in its own name (controlplane/xds/delivery.ts). */
function contentOf(dump: string): string {
  const content: unknown = JSON.parse(dump, (key: string, value: unknown) => {
    if (key === "last_updated" || key === "nack_on_code_cache_miss") return undefined;
    if (key === "uri") return String(value).replace(/\?attempt=\d+$/, "");
    if (key === "version_info") return String(value).replace(/\+\w+$/, "");
    return value;
  });
  return JSON.stringify(content);
}
