import { runningFilters, type Fleet, type NodeStats } from "../fleet/index.ts";
import type { Translation } from "../translate/index.ts";
import { Pace } from "../xds/index.ts";

/**
 * What statistics prove to run is in a sidecar's code cache, so that its next answer about that module is about the
 * filter's configuration alone. Looked at before a change is sent, which makes the statistics out of date.
 * @param nodes All that are connected when left out.
 */
export async function rememberLoaded(
  { fleet, stats }: { readonly fleet: Fleet; readonly stats: NodeStats },
  translationFor: (node: string) => Translation | undefined,
  nodes: Iterable<string> = fleet.connectedNodes().map(({ id }) => id),
): Promise<void> {
  const now = Date.now();
  const pace = new Pace();
  for (const node of nodes) {
    if (pace.isDue) await pace.rest();
    const view = fleet.node(node);
    if (view === undefined) continue;
    const { id } = view.node;
    for (const [policy, state] of runningFilters(view, stats.of(id), now)) {
      const module = translationFor(id)?.extensionConfig(policy, id)?.staged?.module;
      if (state === "loaded" && module !== undefined) fleet.memory(id).addModule(module, now);
    }
  }
}
