import type { Logger } from "pino";
import type { Fleet, NodeOutcome } from "../fleet/index.ts";
import { isProxyless } from "../translate/index.ts";
import { TypeUrl } from "../xds/index.ts";

/** Writes to the log what sidecars answer. */
export function logFleet(fleet: Fleet, log: Logger): void {
  const fetching = new Map<string, string>();
  fleet.on("connected", (node) => {
    const { id, cluster, userAgentName, userAgentVersion } = node;
    const what = isProxyless(node) ? "a gRPC client without a sidecar" : `a sidecar of ${cluster}`;
    log.info({ node: id }, `${id}, ${what}, connected (${userAgentName} ${userAgentVersion})`);
  });
  fleet.on("disconnected", ({ id }) => {
    fetching.delete(id);
    log.warn({ node: id }, `${id} disconnected`);
  });
  fleet.on("acked", (outcome) => {
    if (outcome.resources.length > 0) log.info(fields(outcome), `${outcome.nodeId} accepted ${whatOf(outcome)}`);
  });
  fleet.on("prewarming", (outcome) => {
    // Each further attempt ends so until the module is there; the first one tells enough.
    const what = whatOf(outcome);
    const isFirst = fetching.get(outcome.nodeId) !== what;
    fetching.set(outcome.nodeId, what);
    log[isFirst ? "info" : "debug"](fields(outcome), `${outcome.nodeId} fetches the module of ${what}`);
  });
  fleet.on("rejected", (outcome) => {
    const why = outcome.kind === "acked" ? "" : `: ${outcome.message.trim()}`;
    log.error(fields(outcome), `${outcome.nodeId} rejected ${whatOf(outcome)}${why}`);
  });
}

/** A line of a log names this many resources at most, so that thousands of sidecars with thousands of clusters do not fill it. */
const MAX_NAMED = 20;

function fields({ nodeId, typeUrl, resources }: NodeOutcome): object {
  const { length } = resources;
  return { node: nodeId, typeUrl, ...(length > MAX_NAMED ? { count: length } : { resources }) };
}

/** What an answer is about, for people: a filter by its name and version, other types in short. */
function whatOf({ typeUrl, resources }: NodeOutcome): string {
  const name = typeNames[typeUrl] ?? typeUrl;
  if (typeUrl !== TypeUrl.extensionConfig && resources.length > 3) return `${String(resources.length)} ${name}s`;
  const named = resources.map(({ name: resource, version }) =>
    version === "" ? `${resource} (removed)` : `${resource} ${version}`,
  );
  return `${name} ${named.join(", ")}`;
}

const typeNames: Readonly<Record<string, string>> = {
  [TypeUrl.cluster]: "cluster",
  [TypeUrl.endpoint]: "endpoint",
  [TypeUrl.listener]: "listener",
  [TypeUrl.extensionConfig]: "filter",
  [TypeUrl.route]: "route",
  [TypeUrl.secret]: "secret",
};
