import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { servedModel, type Model } from "../model/index.ts";
import { createResourceSet, TypeUrl } from "../xds/index.ts";
import type { Resource, ResourceSet } from "../xds/index.ts";
import type { Materials } from "../certificates/index.ts";
import { authoritiesSecret, certificateSecret } from "./own-tls.ts";
import { resourceOf } from "./messages.ts";
import { identityPath, type Identity } from "../security/identity.ts";
import { MESH_TRUST_SECRET, sidecarIdentity, WORKLOAD_SECRET } from "./mtls.ts";
import type { SidecarPlace } from "./sidecar-places.ts";

/** The secrets of sidecars with one certificate, as SDS delivers them: their certificate with its key, and whom they trust, all in PEM. */
export function secretSet(
  pair: { readonly certificate: string; readonly privateKey: string },
  trust: string,
): ResourceSet {
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

/** The secrets of Certificates, by their names in SDS. */
export function certificateSecrets(certificates: Materials): ReadonlyMap<string, Resource> {
  const secrets = new Map<string, Resource>();
  const add = (name: string, type: NonNullable<MessageInitShape<typeof SecretSchema>["type"]>): void => {
    secrets.set(name, resourceOf(SecretSchema, name, create(SecretSchema, { name, type })));
  };
  for (const [name, { pair, authorities }] of certificates) {
    if (pair !== undefined) {
      const value = { certificateChain: inline(pair.chain), privateKey: inline(pair.privateKey) };
      add(certificateSecret(name), { case: "tlsCertificate", value });
    }
    if (authorities !== undefined)
      add(authoritiesSecret(name), { case: "validationContext", value: { trustedCa: inline(authorities) } });
  }
  return secrets;
}

const inline = (value: string) => ({ specifier: { case: "inlineString", value } }) as const;

/** The sidecars that are given secrets, by who they are: those that speak mutual TLS. None is given a key that it has no use for. */
export function sidecarsWithSecrets(
  model: Model,
  sidecars: ReadonlyMap<string, SidecarPlace>,
): ReadonlyMap<string, IdentityOfSidecars> {
  const isSpoken = [...servedModel(model).services.values()].some(({ spec }) => spec.mtls !== "Off");
  const found = new Map<string, { identity: Identity; nodes: Set<string> }>();
  for (const [node, { service, sidecar, ports }] of sidecars) {
    const takesPlaintext = [service, ...ports.map((port) => port.service)].every(({ spec }) => spec.mtls === "Off");
    if (takesPlaintext && (sidecar.outboundPort === undefined || !isSpoken)) continue;
    const identity = sidecarIdentity(service, sidecar);
    const path = identityPath(identity);
    const known = found.get(path);
    if (known === undefined) found.set(path, { identity, nodes: new Set([node]) });
    else known.nodes.add(node);
  }
  return found;
}

/** Sidecars with one certificate. */
export interface IdentityOfSidecars {
  readonly identity: Identity;
  readonly nodes: ReadonlySet<string>;
}
