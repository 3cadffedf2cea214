import type { Logger } from "pino";
import type { Service } from "../model/index.ts";
import type { Security } from "../security/index.ts";
import { ANY_SERVICE, type Caller, type NodeInfo } from "../xds/index.ts";

/**
 * Why a caller may not be served as a node; undefined where it may.
 * @param serviceOf the Service of which a node is a sidecar, where that is known.
 */
export function refusalsOf(
  security: Security,
  log: Logger,
  serviceOf: (node: string) => Service | undefined,
): (node: NodeInfo, caller: Caller) => string | undefined {
  return (node, caller) => {
    const refusal = security.admission.refusal(node, caller) ?? contradiction(node, serviceOf(node.id));
    if (refusal !== undefined) log.warn({ node: node.id, peer: caller.getPeer() }, `refused: ${refusal}`);
    return refusal;
  };
}

/** A node that no Service knows may come, and is shown in the status; the node of another Service may not. */
function contradiction(node: NodeInfo, service: Service | undefined): string | undefined {
  if (service === undefined || [service.metadata.name, ANY_SERVICE].includes(node.cluster)) return undefined;
  return `the node "${node.id}" is a sidecar of Service ${service.metadata.name}, not of ${node.cluster}`;
}
