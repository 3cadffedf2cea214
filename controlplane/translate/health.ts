import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  OutlierDetectionSchema,
  type OutlierDetection as EnvoyOutlierDetection,
} from "#gen/envoy/config/cluster/v3/outlier_detection_pb.js";
import { RequestMethod } from "#gen/envoy/config/core/v3/base_pb.js";
import type { HealthCheckSchema } from "#gen/envoy/config/core/v3/health_check_pb.js";
import { CodecClientType } from "#gen/envoy/type/v3/http_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { HealthCheck, OutlierDetection, Service } from "../model/index.ts";

type EnvoyHealthCheck = MessageInitShape<typeof HealthCheckSchema>;

/** The check by which a sidecar finds out which endpoints of a Service are healthy. Envoy takes one at most. */
export function healthChecks(service: Service): EnvoyHealthCheck[] {
  const { healthCheck: check } = service.spec;
  if (check === undefined) return [];
  return [
    {
      interval: duration(check.interval),
      noTrafficInterval: duration(check.noTrafficInterval),
      timeout: duration(check.timeout),
      unhealthyThreshold: check.unhealthyThreshold,
      healthyThreshold: check.healthyThreshold,
      healthChecker: healthChecker(check, service),
    },
  ];
}

const methods: Readonly<Record<NonNullable<HealthCheck["method"]>, RequestMethod>> = {
  GET: RequestMethod.GET,
  HEAD: RequestMethod.HEAD,
  POST: RequestMethod.POST,
  PUT: RequestMethod.PUT,
  OPTIONS: RequestMethod.OPTIONS,
};

function healthChecker(
  check: HealthCheck,
  { metadata, spec }: Service,
): NonNullable<EnvoyHealthCheck["healthChecker"]> {
  const host = check.host ?? metadata.name;
  switch (check.type) {
    case "HTTP":
      return {
        case: "httpHealthCheck",
        value: {
          host,
          path: check.path ?? "/",
          method: methods[check.method ?? "GET"],
          // The end of a range does not count.
          expectedStatuses: (check.expectedStatuses ?? [200]).map((status) => ({
            start: BigInt(status),
            end: BigInt(status + 1),
          })),
          codecClientType: spec.protocol === "HTTP2" ? CodecClientType.HTTP2 : CodecClientType.HTTP1,
        },
      };
    case "GRPC":
      return { case: "grpcHealthCheck", value: { serviceName: check.serviceName ?? "", authority: host } };
    case "TCP":
      return { case: "tcpHealthCheck", value: {} };
  }
}

/** Envoy looks at some failures by itself; here what is not written is not enforced. */
export function outlierDetection(outlier: OutlierDetection): EnvoyOutlierDetection {
  const { consecutive5xx, consecutiveGatewayFailure, consecutiveLocalOriginFailure } = outlier;
  const { successRate, failurePercentage } = outlier;
  const isSplit = consecutiveLocalOriginFailure !== undefined;
  const always = (value: unknown): number => (value === undefined ? 0 : 100);
  return create(OutlierDetectionSchema, {
    ...(consecutive5xx === undefined ? {} : { consecutive5xx }),
    enforcingConsecutive5xx: always(consecutive5xx),
    ...(consecutiveGatewayFailure === undefined ? {} : { consecutiveGatewayFailure }),
    enforcingConsecutiveGatewayFailure: always(consecutiveGatewayFailure),
    splitExternalLocalOriginErrors: isSplit,
    ...(isSplit ? { consecutiveLocalOriginFailure } : {}),
    enforcingConsecutiveLocalOriginFailure: always(consecutiveLocalOriginFailure),
    enforcingSuccessRate: always(successRate),
    enforcingLocalOriginSuccessRate: 0,
    ...(successRate === undefined
      ? {}
      : {
          successRateStdevFactor: successRate.stdevFactor,
          successRateMinimumHosts: successRate.minimumHosts,
          successRateRequestVolume: successRate.requestVolume,
        }),
    enforcingFailurePercentage: always(failurePercentage),
    ...(failurePercentage === undefined
      ? {}
      : {
          failurePercentageThreshold: failurePercentage.threshold,
          failurePercentageMinimumHosts: failurePercentage.minimumHosts,
          failurePercentageRequestVolume: failurePercentage.requestVolume,
        }),
    interval: duration(outlier.interval),
    baseEjectionTime: duration(outlier.baseEjectionTime),
    ...(outlier.maxEjectionTime === undefined ? {} : { maxEjectionTime: duration(outlier.maxEjectionTime) }),
    maxEjectionPercent: outlier.maxEjectionPercent,
    // Of two or three endpoints one can go whatever the percentage says.
    alwaysEjectOneHost: true,
  });
}

function duration(text: string): Duration {
  return durationFromMs(durationMilliseconds(text));
}
