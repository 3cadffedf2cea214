import { TypeUrl } from "./type-url.ts";

/**
 * Make before break: a route must not name a cluster that the proxy does not have yet, and a cluster must not go while
 * a route of that proxy still names it. Envoy warms clusters and listeners but not routes, so the server waits.
 *
 * Envoy acknowledges clusters only once all are warm, which needs their endpoints (or 15 s, its fetch timeout): so
 * endpoints wait for nothing.
 */
const CHANGES_AFTER: Readonly<Record<string, readonly string[]>> = {
  [TypeUrl.listener]: [TypeUrl.cluster],
  [TypeUrl.extensionConfig]: [TypeUrl.cluster],
  [TypeUrl.scopedRoute]: [TypeUrl.cluster, TypeUrl.listener],
  [TypeUrl.route]: [TypeUrl.cluster, TypeUrl.listener],
  [TypeUrl.virtualHost]: [TypeUrl.cluster, TypeUrl.listener, TypeUrl.route],
};

const REMOVALS_AFTER: Readonly<Record<string, readonly string[]>> = {
  [TypeUrl.cluster]: [
    TypeUrl.listener,
    TypeUrl.extensionConfig,
    TypeUrl.scopedRoute,
    TypeUrl.route,
    TypeUrl.virtualHost,
  ],
  [TypeUrl.endpoint]: [TypeUrl.cluster],
  [TypeUrl.extensionConfig]: [TypeUrl.listener],
  [TypeUrl.scopedRoute]: [TypeUrl.listener],
  [TypeUrl.route]: [TypeUrl.listener, TypeUrl.scopedRoute],
  [TypeUrl.virtualHost]: [TypeUrl.route],
};

/**
 * What a client asks for only when something names it: it cannot have it before, and it must be possible to give it to
 * the client as soon as it asks.
 */
const ASKED_FOR_BY: Readonly<Record<string, readonly string[]>> = {
  [TypeUrl.listener]: [TypeUrl.extensionConfig, TypeUrl.route],
  [TypeUrl.scopedRoute]: [TypeUrl.route],
};

/** The types that additions and updates of this type come after. */
export function changesAfter(typeUrl: string): readonly string[] {
  return CHANGES_AFTER[typeUrl] ?? [];
}

/** The types that removals of this type come after: those whose resources may refer to it. */
export function removalsAfter(typeUrl: string): readonly string[] {
  return REMOVALS_AFTER[typeUrl] ?? [];
}

/** The types of what a client asks for because a resource of this type names it. */
export function askedForBy(typeUrl: string): readonly string[] {
  return ASKED_FOR_BY[typeUrl] ?? [];
}
