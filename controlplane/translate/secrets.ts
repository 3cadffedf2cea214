import { create } from "@bufbuild/protobuf";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { createResourceSet, TypeUrl } from "../xds/index.ts";
import type { ResourceSet } from "../xds/index.ts";
import { resourceOf } from "./messages.ts";
import { MESH_TRUST_SECRET, WORKLOAD_SECRET } from "./mtls.ts";

/** The secrets of a Service's sidecars, as SDS delivers them: their certificate with its key, and whom they trust, all in PEM. */
export function secretSet(
  pair: { readonly certificate: string; readonly privateKey: string },
  trust: string,
): ResourceSet {
  const inline = (value: string) => ({ specifier: { case: "inlineString", value } }) as const;
  const workload = create(SecretSchema, {
    name: WORKLOAD_SECRET,
    type: {
      case: "tlsCertificate",
      value: { certificateChain: inline(pair.certificate), privateKey: inline(pair.privateKey) },
    },
  });
  const trusted = create(SecretSchema, {
    name: MESH_TRUST_SECRET,
    type: { case: "validationContext", value: { trustedCa: inline(trust) } },
  });
  return createResourceSet(TypeUrl.secret, [
    resourceOf(SecretSchema, WORKLOAD_SECRET, workload),
    resourceOf(SecretSchema, MESH_TRUST_SECRET, trusted),
  ]);
}
