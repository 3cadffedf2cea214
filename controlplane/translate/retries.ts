import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { RetryPolicySchema, RouteActionSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { PreviousHostsPredicateSchema } from "#gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { Retry, RouteRule } from "../model/index.ts";

type Action = Pick<MessageInitShape<typeof RouteActionSchema>, "timeout" | "retryPolicy">;

/** Envoy's own default of 15 s would cut streams; the Gateway API has no limit where none is asked for. */
export const noTimeout: Duration = durationFromMs(0);

/** How long requests may take, and whether they are repeated. */
export function timeoutsAndRetries({ timeouts, retry }: Pick<RouteRule, "timeouts" | "retry">): Action {
  const { request, backendRequest } = timeouts ?? {};
  const perTry = durationMilliseconds(backendRequest ?? "0s");
  return {
    timeout: request === undefined ? noTimeout : durationFromMs(durationMilliseconds(request)),
    ...(perTry === 0 && retry === undefined
      ? {}
      : {
          retryPolicy: {
            ...(perTry === 0 ? {} : { perTryTimeout: durationFromMs(perTry) }),
            ...(retry === undefined ? {} : retryPolicy(retry)),
          },
        }),
  };
}

/** Failed connections count whatever codes there are (HTTPRouteRetry). */
function retryPolicy({ codes, attempts, backoff }: Retry): MessageInitShape<typeof RetryPolicySchema> {
  return {
    retryOn: [
      "connect-failure",
      "refused-stream",
      "reset",
      ...(codes.length > 0 ? ["retriable-status-codes"] : []),
    ].join(","),
    retriableStatusCodes: [...codes],
    numRetries: attempts,
    ...(backoff === undefined ? {} : { retryBackOff: { baseInterval: durationFromMs(durationMilliseconds(backoff)) } }),
    // An endpoint that has just failed is the last to be asked again.
    retryHostPredicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        configType: {
          case: "typedConfig",
          value: anyPack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
        },
      },
    ],
    hostSelectionRetryMaxAttempts: 5n,
  };
}
