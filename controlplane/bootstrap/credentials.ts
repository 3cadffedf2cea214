import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { create, createRegistry, toJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { DiscoveryResponseSchema } from "#gen/envoy/service/discovery/v3/discovery_pb.js";
import { SecretSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import type { KeyPair, KeyPairFiles } from "../security/index.ts";

/** Where a sidecar finds what it needs to reach its control plane. Envoy watches the files and takes what is renamed over them. */
export interface CredentialFiles {
  /** Its certificate and key. */
  readonly identity: string;
  /** The authorities that it trusts. */
  readonly trust: string;
}

/** The names of the secrets in the files. */
export const IDENTITY_SECRET = "meshwright-identity";
export const TRUST_SECRET = "meshwright-trust";

/** A certificate with its key, or the files that have them. */
export type GivenIdentity = { readonly keyPair: KeyPair } | { readonly files: KeyPairFiles };
/** Certificates of authorities in PEM, or the file that has them. */
export type GivenTrust = { readonly text: string } | { readonly file: string };

/** Writes the files of a sidecar, for its user only. Files that are given are watched by Envoy, too. */
export function writeCredentials(folder: string, identity: GivenIdentity, trust: GivenTrust): CredentialFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = { identity: resolve(folder, "identity.json"), trust: resolve(folder, "trust.json") };
  write(files.identity, {
    name: IDENTITY_SECRET,
    type: {
      case: "tlsCertificate",
      value:
        "keyPair" in identity
          ? { certificateChain: inline(identity.keyPair.certificate), privateKey: inline(identity.keyPair.privateKey) }
          : {
              certificateChain: file(identity.files.certificate),
              privateKey: file(identity.files.privateKey),
              watchedDirectory: folderOf(identity.files.certificate),
            },
    },
  });
  write(files.trust, {
    name: TRUST_SECRET,
    type: {
      case: "validationContext",
      value:
        "text" in trust
          ? { trustedCa: inline(trust.text) }
          : { trustedCa: file(trust.file), watchedDirectory: folderOf(trust.file) },
    },
  });
  return files;
}

type Source = { specifier: { case: "inlineString" | "filename"; value: string } };

function inline(value: string): Source {
  return { specifier: { case: "inlineString", value } };
}

function file(path: string): Source {
  return { specifier: { case: "filename", value: resolve(path) } };
}

function folderOf(path: string): { path: string } {
  return { path: resolve(path, "..") };
}

/** In one file, so that Envoy never reads a certificate with another one's key. */
function write(path: string, secret: MessageInitShape<typeof SecretSchema>): void {
  const resources = [anyPack(SecretSchema, create(SecretSchema, secret))];
  const text = toJsonString(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources }), {
    registry: createRegistry(SecretSchema),
  });
  replaceFile(path, `${text}\n`);
}

/** Written aside and renamed, so that nobody reads half a file; for its user only. */
export function replaceFile(path: string, text: string): void {
  const scratch = `${path}.${String(process.pid)}`;
  writeFileSync(scratch, text, { mode: 0o600 });
  renameSync(scratch, path);
}
