import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { FilterSchema, type Filter } from "#gen/envoy/config/listener/v3/listener_components_pb.js";
import { PolicySchema, RBAC_Action } from "#gen/envoy/config/rbac/v3/rbac_pb.js";
import { RBACSchema } from "#gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import type { TrustDomains } from "./mtls.ts";

/**
 * Ends connections of clients outside the mesh whose certificate names somebody of the mesh. Their authority is another one, which may
 * write any name into what it issues, and filters would take them for who they say they are.
 */
export function notOfTheMesh({ own, aliases }: TrustDomains): Filter {
  const filter = create(RBACSchema, {
    statPrefix: "outsiders",
    rules: {
      action: RBAC_Action.DENY,
      policies: {
        "of-the-mesh": create(PolicySchema, {
          permissions: [{ rule: { case: "any", value: true } }],
          principals: [own, ...aliases].map((domain) => ({
            identifier: {
              case: "authenticated" as const,
              value: {
                principalName: {
                  matchPattern: { case: "prefix" as const, value: `spiffe://${domain}/` },
                  ignoreCase: true,
                },
              },
            },
          })),
        }),
      },
    },
  });
  return create(FilterSchema, {
    name: "envoy.filters.network.rbac",
    configType: { case: "typedConfig", value: anyPack(RBACSchema, filter) },
  });
}
