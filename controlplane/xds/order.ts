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

/** How far one client is with the types of its stream. */
export interface Progress {
  /** Whether a response of this type is unanswered. */
  inFlight(typeUrl: string): boolean;
  /** Whether the client holds what it is to hold of this type. */
  synced(typeUrl: string): boolean;
}

/** Whether additions and updates of this type may be sent. They wait for answers, and a rejection is an answer. */
export function mayChange(typeUrl: string, progress: Progress): boolean {
  return (CHANGES_AFTER[typeUrl] ?? []).every((before) => !progress.inFlight(before));
}

/** Whether removals of this type may be sent. They wait until the client has let go of what may refer to them. */
export function mayRemove(typeUrl: string, progress: Progress): boolean {
  return (REMOVALS_AFTER[typeUrl] ?? []).every((before) => progress.synced(before));
}
