import { create } from "@bufbuild/protobuf";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { servedModel, type Model } from "../model/index.ts";
import { createResourceSet, TypeUrl } from "../xds/index.ts";
import type { ResourceSet } from "../xds/index.ts";
import { resourceOf } from "./messages.ts";
import { MESH_TRUST_SECRET, WORKLOAD_SECRET } from "./mtls.ts";
import type { SidecarPlace } from "./translation.ts";

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

/** The sidecars that are given secrets, by Service: those that speak mutual TLS. None is given a key that it has no use for. */
export function sidecarsWithSecrets(
  model: Model,
  sidecars: ReadonlyMap<string, SidecarPlace>,
): ReadonlyMap<string, readonly string[]> {
  const isSpoken = [...servedModel(model).services.values()].some(({ spec }) => spec.mtls !== "Off");
  const nodes = new Map<string, string[]>();
  for (const [node, { service, sidecar }] of sidecars) {
    if (service.spec.mtls === "Off" && (sidecar.outboundPort === undefined || !isSpoken)) continue;
    const { name } = service.metadata;
    const list = nodes.get(name);
    if (list === undefined) nodes.set(name, [node]);
    else list.push(node);
  }
  return nodes;
}
