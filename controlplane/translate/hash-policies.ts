import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { RouteAction_HashPolicySchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { HashPolicy, Service } from "../model/index.ts";

type EnvoyHashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;

/** What of a request is hashed to choose an endpoint of a Service. In Envoy this is a matter of the route. */
export function hashPolicies({ spec }: Service): EnvoyHashPolicy[] {
  return (spec.loadBalancing.hashPolicies ?? []).map((policy) => ({
    policySpecifier: specifier(policy),
    terminal: policy.terminal,
  }));
}

function specifier(policy: HashPolicy): NonNullable<EnvoyHashPolicy["policySpecifier"]> {
  switch (policy.type) {
    case "Header":
      return { case: "header", value: { headerName: policy.name } };
    case "QueryParameter":
      return { case: "queryParameter", value: { name: policy.name } };
    case "SourceIP":
      return { case: "connectionProperties", value: { sourceIp: true } };
    case "Cookie":
      return {
        case: "cookie",
        value: {
          name: policy.name,
          path: policy.path ?? "",
          ...(policy.ttl === undefined ? {} : { ttl: durationFromMs(durationMilliseconds(policy.ttl)) }),
        },
      };
  }
}
