import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TransportSocketSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import { DownstreamTlsContextSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { ServedService } from "../model/index.ts";
import { formatIdentity, servicePrefix } from "../security/identity.ts";
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
}

/** How callers speak to a Service: they go on only if its sidecar shows that it is one of this Service. */
export function callerSocket({ metadata, spec }: ServedService, { own, aliases }: TrustDomains): TransportSocket {
  return clientSocket({
    certificate: { name: WORKLOAD_SECRET, from: fromAds() },
    trust: { name: MESH_TRUST_SECRET, from: fromAds() },
    peers: [own, ...aliases].map((domain) => ({
      kind: "uri",
      value: formatIdentity(domain, { kind: "service", service: metadata.name }),
    })),
    alpn: [spec.protocol === "HTTP2" ? "h2" : "http/1.1"],
    serverName: MESH_SERVER_NAME,
  });
}

/** How a sidecar is spoken to: by whoever shows that it is a Service of one of the trust domains. */
export function serverSocket({ own, aliases }: TrustDomains): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: commonContext({
      certificate: { name: WORKLOAD_SECRET, from: fromAds() },
      trust: { name: MESH_TRUST_SECRET, from: fromAds() },
      peers: [own, ...aliases].map((domain) => ({ kind: "uriPrefix", value: servicePrefix(domain) })),
      alpn: ["h2", "http/1.1"],
    }),
    requireClientCertificate: true,
  });
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: anyPack(DownstreamTlsContextSchema, context) },
  });
}
