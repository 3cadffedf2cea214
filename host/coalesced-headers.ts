import type { HeaderMapKind } from "./header-map.ts";

/**
 * The headers that Envoy keeps in one slot of its header map. A second line of one of them does not become a second
 * entry: its value is joined to the first with a comma. Cookie and set-cookie are not among them. Some are there only
 * because of a filter that is built in (`authorization` because of oauth2), so the list is that of a full Envoy: the lists
 * below were read out of Envoy 1.40 by adding each header twice.
 */

const REQUEST = `
:authority :method :path :protocol :scheme x-client-trace-id x-envoy-downstream-service-cluster
x-envoy-downstream-service-node x-envoy-expected-rq-timeout-ms x-envoy-external-address x-envoy-force-trace
x-envoy-hedge-on-per-try-timeout x-envoy-internal x-envoy-ip-tags x-envoy-is-timeout-retry x-envoy-max-retries
x-envoy-original-host x-envoy-original-path x-envoy-original-url x-envoy-retriable-header-names x-envoy-retriable-status-codes
x-envoy-retry-grpc-on x-envoy-retry-on x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-per-try-timeout-ms
x-envoy-upstream-rq-timeout-alt-response x-envoy-upstream-rq-timeout-ms x-envoy-upstream-stream-duration-ms expect
x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto grpc-timeout te user-agent
accept accept-encoding access-control-request-headers access-control-request-method
access-control-request-private-network authorization cache-control content-encoding grpc-accept-encoding if-match
if-modified-since if-none-match if-range if-unmodified-since origin pragma referer`;

const RESPONSE = `
:status date x-envoy-degraded x-envoy-immediate-health-check-fail x-envoy-ratelimited x-envoy-upstream-canary
x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time location server grpc-message grpc-status
access-control-allow-credentials access-control-allow-headers access-control-allow-methods access-control-allow-origin
access-control-allow-private-network access-control-expose-headers access-control-max-age age cache-control
content-encoding etag expires last-modified vary`;

const BOTH = `
connection content-length content-type x-envoy-attempt-count x-envoy-decorator-operation keep-alive proxy-connection
proxy-status x-request-id transfer-encoding upgrade via`;

const words = (text: string): string[] => text.trim().split(/\s+/);

const COALESCED: Readonly<Record<HeaderMapKind, ReadonlySet<string>>> = {
  request: new Set([...words(REQUEST), ...words(BOTH)]),
  response: new Set([...words(RESPONSE), ...words(BOTH)]),
  trailers: new Set(["grpc-message", "grpc-status"]),
};

export function isCoalesced(kind: HeaderMapKind, name: string): boolean {
  return COALESCED[kind].has(name);
}
