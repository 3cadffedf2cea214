import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  CircuitBreakersSchema,
  type CircuitBreakers as EnvoyCircuitBreakers,
} from "#gen/envoy/config/cluster/v3/circuit_breaker_pb.js";
import { Cluster_LbPolicy } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import type { ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { CircuitBreakers, LoadBalancing, ServiceSpec } from "../model/index.ts";

type ClusterPart = Pick<MessageInitShape<typeof ClusterSchema>, "lbPolicy" | "lbConfig" | "commonLbConfig">;

const policies: Readonly<Record<LoadBalancing["policy"], Cluster_LbPolicy>> = {
  RoundRobin: Cluster_LbPolicy.ROUND_ROBIN,
  LeastRequest: Cluster_LbPolicy.LEAST_REQUEST,
  Random: Cluster_LbPolicy.RANDOM,
  RingHash: Cluster_LbPolicy.RING_HASH,
  Maglev: Cluster_LbPolicy.MAGLEV,
};

/** How an endpoint of a cluster is chosen. */
export function loadBalancing({ loadBalancing: balancing }: ServiceSpec): ClusterPart {
  const { policy, healthyPanicThreshold, localityWeights } = balancing;
  const config = lbConfig(balancing);
  const hasCommon = healthyPanicThreshold !== undefined || localityWeights !== undefined;
  return {
    lbPolicy: policies[policy],
    ...(config === undefined ? {} : { lbConfig: config }),
    ...(hasCommon
      ? {
          commonLbConfig: {
            ...(healthyPanicThreshold === undefined ? {} : { healthyPanicThreshold: { value: healthyPanicThreshold } }),
            ...(localityWeights === undefined
              ? {}
              : { localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} } }),
          },
        }
      : {}),
  };
}

function lbConfig(balancing: LoadBalancing): ClusterPart["lbConfig"] {
  const { policy, choiceCount, minimumRingSize, maximumRingSize, tableSize, slowStart } = balancing;
  const slow =
    slowStart === undefined
      ? {}
      : { slowStartConfig: { slowStartWindow: durationFromMs(durationMilliseconds(slowStart.window)) } };
  switch (policy) {
    case "RoundRobin":
      return slowStart === undefined ? undefined : { case: "roundRobinLbConfig", value: slow };
    case "LeastRequest":
      return {
        case: "leastRequestLbConfig",
        value: { ...slow, ...(choiceCount === undefined ? {} : { choiceCount }) },
      };
    case "RingHash":
      return {
        case: "ringHashLbConfig",
        value: {
          ...(minimumRingSize === undefined ? {} : { minimumRingSize: BigInt(minimumRingSize) }),
          ...(maximumRingSize === undefined ? {} : { maximumRingSize: BigInt(maximumRingSize) }),
        },
      };
    case "Maglev":
      return { case: "maglevLbConfig", value: tableSize === undefined ? {} : { tableSize: BigInt(tableSize) } };
    case "Random":
      return undefined;
  }
}

/** How much a sidecar may have open to a cluster at a time. */
export function circuitBreakers({ retryBudget, ...limits }: CircuitBreakers): EnvoyCircuitBreakers {
  const { budgetPercent = 0, minRetryConcurrency = 0 } = retryBudget ?? {};
  const budget = { budgetPercent: { value: budgetPercent }, minRetryConcurrency };
  return create(CircuitBreakersSchema, {
    thresholds: [{ ...limits, ...(retryBudget === undefined ? {} : { retryBudget: budget }) }],
  });
}
