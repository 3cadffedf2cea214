import type { RouteKind } from "./kinds.ts";
import type { ObjectName } from "./names.ts";
import type { KubernetesObject } from "./objects.ts";

/** What a ReferenceGrant of the Gateway API lets routes of other namespaces name in its own, as far as it is about Services. */
export interface ReferenceGrant {
  readonly namespace: string;
  readonly from: readonly { readonly kind: string; readonly namespace: string }[];
  /** Names of Services; undefined for one that means all of them. */
  readonly to: readonly (string | undefined)[];
}

export function keepGrant({ metadata, spec }: KubernetesObject): ReferenceGrant {
  const { from = [], to = [] } = (spec ?? {}) as {
    from?: { group?: string; kind?: string; namespace?: string }[];
    to?: { group?: string; kind?: string; name?: string }[];
  };
  return {
    namespace: metadata.namespace ?? "",
    from: from.flatMap(({ group, kind = "", namespace = "" }) =>
      group === "gateway.networking.k8s.io" ? [{ kind, namespace }] : [],
    ),
    // An empty name is not one that means all: it was written, and names nothing.
    to: to.flatMap(({ group, kind, name }) => (group === "" && kind === "Service" ? [name] : [])),
  };
}

export function grants(grant: ReferenceGrant, kind: RouteKind, namespace: string, service: ObjectName): boolean {
  return (
    grant.namespace === service.namespace &&
    grant.from.some((from) => from.kind === kind && from.namespace === namespace) &&
    grant.to.some((name) => name === undefined || name === service.name)
  );
}
