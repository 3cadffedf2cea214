import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TransportSocketSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import { DownstreamTlsContextSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { ownerOf } from "../model/index.ts";
import type { ServedService, Sidecar } from "../model/index.ts";
import { formatIdentity, identityPath, servicePrefix, type Identity } from "../security/identity.ts";
import { fromAds } from "./messages.ts";
import type { TranslationSettings } from "./settings.ts";
import { clientSocket, commonContext } from "./tls.ts";

/** The secrets that every sidecar can ask for: the certificate of its Service, and the authorities that it trusts. */
export const WORKLOAD_SECRET = "workload";
export const MESH_TRUST_SECRET = "trust";

/** What sidecars ask for of one another (SNI), so that one with a certificate of its own for others can tell who is of the mesh. */
export const MESH_SERVER_NAME = "mesh.meshwright.internal";

/** What a Service's sidecars take, and its callers speak. A control plane that issues no certificates has plaintext only. */
export function mtlsOf({ spec }: ServedService, { trustDomain }: TranslationSettings): "Off" | "Permissive" | "Strict" {
  return trustDomain === undefined ? "Off" : spec.mtls;
}

/** The trust domain of the mesh, and those that are taken for it. */
export interface TrustDomains {
  readonly own: string;
  readonly aliases: readonly string[];
  /** Whether some sidecars have certificates of service accounts. */
  readonly hasAccounts: boolean;
}

/** Who a sidecar is towards others: the service account of its pod, or else its Service. */
export function sidecarIdentity(service: ServedService, { serviceAccount }: Pick<Sidecar, "serviceAccount">): Identity {
  if (serviceAccount === undefined) return { kind: "service", service: ownerOf(service) };
  const { namespace, name } = serviceAccount;
  return { kind: "account", namespace, account: name };
}

/** Whoever may answer as a Service: each that one of its sidecars is. */
function identitiesOf(service: ServedService): readonly Identity[] {
  const all = new Map<string, Identity>();
  for (const { sidecar } of service.spec.endpoints) {
    if (sidecar === undefined) continue;
    const identity = sidecarIdentity(service, sidecar);
    all.set(identityPath(identity), identity);
  }
  if (all.size === 0) return [sidecarIdentity(service, {})];
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, identity]) => identity);
}

/** How callers speak to a Service: they go on only if its sidecar shows that it is one of this Service. */
export function callerSocket(service: ServedService, { own, aliases }: TrustDomains): TransportSocket {
  const identities = identitiesOf(service);
  return clientSocket({
    certificate: { name: WORKLOAD_SECRET, from: fromAds() },
    trust: { name: MESH_TRUST_SECRET, from: fromAds() },
    peers: [own, ...aliases].flatMap((domain) =>
      identities.map((identity) => ({ kind: "uri" as const, value: formatIdentity(domain, identity) })),
    ),
    alpn: [service.spec.protocol === "HTTP2" ? "h2" : "http/1.1"],
    serverName: MESH_SERVER_NAME,
  });
}

/** How a sidecar is spoken to: by whoever shows that it is a Service of one of the trust domains. */
export function serverSocket({ own, aliases, hasAccounts }: TrustDomains): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: commonContext({
      certificate: { name: WORKLOAD_SECRET, from: fromAds() },
      trust: { name: MESH_TRUST_SECRET, from: fromAds() },
      peers: [own, ...aliases].map((domain) => ({ kind: "uriPrefix", value: servicePrefix(domain, hasAccounts) })),
      alpn: ["h2", "http/1.1"],
    }),
    requireClientCertificate: true,
  });
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: anyPack(DownstreamTlsContextSchema, context) },
  });
}
