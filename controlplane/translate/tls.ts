import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TransportSocketSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import type { ConfigSource } from "#gen/envoy/config/core/v3/config_source_pb.js";
import {
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from "#gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import type { SubjectAltNameMatcher } from "#gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { CommonTlsContextSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";

/** A secret by its name, and where it comes from. */
export interface SecretRef {
  readonly name: string;
  readonly from: ConfigSource;
}

/** Which certificates a peer may show, beside being issued by an authority that is trusted. */
export interface PeerNames {
  readonly kind: "uri" | "uriPrefix" | "dns";
  readonly value: string;
}

export interface Tls {
  /** The certificate with its key; a client may have none. */
  readonly certificate?: SecretRef;
  /** The authorities that are trusted; a text is their certificates, as PEM. */
  readonly trust: SecretRef | string;
  /** One of these is enough; with none, any name is. */
  readonly peers: readonly PeerNames[];
  readonly alpn?: readonly string[];
  /** What a client asks for, where a server has several certificates. */
  readonly serverName?: string;
}

/** The socket of a client that shows its certificate, and verifies the server's by what it names, not by the server's address. */
export function clientSocket(tls: Tls): TransportSocket {
  const context = create(UpstreamTlsContextSchema, {
    commonTlsContext: commonContext(tls),
    ...(tls.serverName === undefined ? {} : { sni: tls.serverName }),
  });
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: anyPack(UpstreamTlsContextSchema, context) },
  });
}

/** As a client Envoy goes no further than 1.2 unless it is told so. */
const protocols = {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
};

/** The socket of a server that wants to see a certificate of whom it trusts, whatever that names; without trust it asks for none. */
export function openServerSocket(certificate: SecretRef, trust: SecretRef | undefined): TransportSocket {
  const alpn = ["h2", "http/1.1"];
  const open = {
    tlsParams: protocols,
    tlsCertificateSdsSecretConfigs: [{ name: certificate.name, sdsConfig: certificate.from }],
    alpnProtocols: alpn,
  };
  const context = create(DownstreamTlsContextSchema, {
    commonTlsContext: trust === undefined ? open : commonContext({ certificate, trust, peers: [], alpn }),
    ...(trust === undefined ? {} : { requireClientCertificate: true }),
  });
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: anyPack(DownstreamTlsContextSchema, context) },
  });
}

export function commonContext(tls: Tls): MessageInitShape<typeof CommonTlsContextSchema> {
  const { certificate, trust, peers, alpn = [] } = tls;
  const matchTypedSubjectAltNames = peers.map(matcher);
  return {
    tlsParams: protocols,
    tlsCertificateSdsSecretConfigs:
      certificate === undefined ? [] : [{ name: certificate.name, sdsConfig: certificate.from }],
    validationContextType:
      typeof trust === "string"
        ? {
            case: "validationContext",
            value: { trustedCa: { specifier: { case: "inlineString", value: trust } }, matchTypedSubjectAltNames },
          }
        : {
            case: "combinedValidationContext",
            value: {
              defaultValidationContext: { matchTypedSubjectAltNames },
              validationContextSdsSecretConfig: { name: trust.name, sdsConfig: trust.from },
            },
          },
    alpnProtocols: [...alpn],
  };
}

function matcher({ kind, value }: PeerNames): SubjectAltNameMatcher {
  return create(SubjectAltNameMatcherSchema, {
    sanType: kind === "dns" ? SubjectAltNameMatcher_SanType.DNS : SubjectAltNameMatcher_SanType.URI,
    matcher: { matchPattern: { case: kind === "uriPrefix" ? "prefix" : "exact", value } },
  });
}
