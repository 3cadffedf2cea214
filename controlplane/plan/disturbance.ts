// What Envoy does to open connections when a resource changes. Only what its documentation says: "LDS", "Network filter chain",
// and "Cluster manager" of its architecture overview.
import { clone, equals, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { FilterChainSchema, type FilterChain } from "#gen/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { TypeUrl, type Resource } from "../xds/index.ts";

const DRAINED = "drained, and closed when Envoy's drain time is over";

/** What it does to connections; undefined if it closes none. */
export function disturbanceOf(before: Resource | undefined, after: Resource | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (before.typeUrl === TypeUrl.listener) return ofListener(before, after);
  if (before.typeUrl === TypeUrl.cluster && after !== undefined)
    return `Cluster ${before.name} is made anew: the sidecar opens new connections to its endpoints, and requests on the old ones are finished`;
  return undefined;
}

function ofListener(before: Resource, after: Resource | undefined): string {
  const { name } = before;
  if (after === undefined) return `Listener ${name} goes: its connections are ${DRAINED}`;
  const [old, now] = [listenerOf(before), listenerOf(after)];
  if (old === undefined || now === undefined) return `Listener ${name}: its connections may be ${DRAINED}`;
  if (!equals(ListenerSchema, withoutChains(old), withoutChains(now)))
    return `Listener ${name} is replaced as a whole: all its connections are ${DRAINED}`;
  const chains = chainsOf(old);
  const kept = chains.filter((chain) => chainsOf(now).some((one) => equals(FilterChainSchema, one, chain)));
  const changed = chains.length - kept.length;
  if (changed === 0) return `Listener ${name} gets more filter chains: its connections stay open`;
  const which = kept.length === 0 ? "its connections are" : `the connections of ${changed} of ${chains.length} are`;
  return `Listener ${name} gets other filter chains: ${which} ${DRAINED}${kept.length === 0 ? "" : "; the others stay open"}`;
}

function listenerOf({ body }: Resource): MessageShape<typeof ListenerSchema> | undefined {
  return anyUnpack(fromBinary(AnySchema, body), ListenerSchema);
}

/** A listener that differs in nothing else is changed in place. */
function withoutChains(listener: MessageShape<typeof ListenerSchema>): MessageShape<typeof ListenerSchema> {
  const rest = clone(ListenerSchema, listener);
  rest.filterChains = [];
  delete rest.defaultFilterChain;
  delete rest.filterChainMatcher;
  return rest;
}

function chainsOf({ filterChains, defaultFilterChain }: MessageShape<typeof ListenerSchema>): FilterChain[] {
  return [...filterChains, ...(defaultFilterChain === undefined ? [] : [defaultFilterChain])];
}
