// For gRPC clients without a sidecar, which speak xDS themselves. The format of their bootstrap is gRPC's own (proposals A27, A65).
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { formatHostPort, type HostPort } from "../control/host-port.ts";
import { replaceFile, type GivenIdentity, type GivenTrust } from "./credentials.ts";

/** Where a client finds what it needs to reach its control plane, as PEM. gRPC reads the files again while it runs. */
export interface PemFiles {
  readonly certificate: string;
  readonly privateKey: string;
  /** The authorities that it trusts. */
  readonly trust: string;
}

/** Writes the files of a client, for its user only, as far as they are not there already. */
export function writePemFiles(folder: string, identity: GivenIdentity, trust: GivenTrust): PemFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const written = (name: string, text: string): string => {
    const path = resolve(folder, name);
    replaceFile(path, text);
    return path;
  };
  const pair =
    "files" in identity
      ? { certificate: resolve(identity.files.certificate), privateKey: resolve(identity.files.privateKey) }
      : {
          privateKey: written("private-key.pem", identity.keyPair.privateKey),
          certificate: written("certificate.pem", identity.keyPair.certificate),
        };
  return { ...pair, trust: "file" in trust ? resolve(trust.file) : written("trust.pem", trust.text) };
}

export interface GrpcBootstrapOptions {
  /** The client's node id. */
  readonly node: string;
  /** The Service that it is part of; the certificate names it. */
  readonly service: string;
  readonly xds: HostPort;
  /** Without them it connects without encryption. */
  readonly files?: PemFiles;
}

/** How often a client looks whether its files have changed. */
const REFRESH = "60s";

/** What GRPC_XDS_BOOTSTRAP, a file, or GRPC_XDS_BOOTSTRAP_CONFIG holds. */
export function grpcBootstrap({ node, service, xds, files }: GrpcBootstrapOptions): JsonObject {
  const credentials: JsonObject =
    files === undefined
      ? { type: "insecure" }
      : {
          type: "tls",
          config: {
            certificate_file: files.certificate,
            private_key_file: files.privateKey,
            ca_certificate_file: files.trust,
            refresh_interval: REFRESH,
          },
        };
  return {
    xds_servers: [{ server_uri: formatHostPort(xds), channel_creds: [credentials], server_features: ["xds_v3"] }],
    // grpc-js insists on a locality.
    node: { id: node, cluster: service, locality: {} },
  };
}
