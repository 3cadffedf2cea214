import type { Envoy } from "./envoy.ts";

/** Envoy's own counters of what it was sent and took over, but for secrets. */
const updates =
  /^(cluster_manager\.(cds\.update_success|cluster_added|cluster_modified|cluster_updated)|listener_manager\.(lds\.update_success|listener_added|listener_modified|listener_create_success)|http\.inbound\.rds\..*\.(config_reload|update_success)|extension_config_discovery\..*\.(config_reload|config_fail))/;

/** How often it was sent clusters, listeners, routes and filters, and took them over. */
export async function updatesOf(envoy: Envoy): Promise<Map<string, number>> {
  const all = await envoy.stats("");
  return new Map([...all].filter(([name]) => updates.test(name)));
}
