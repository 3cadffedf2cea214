export { InsecureAccess, SecureAccess, type ApiCaller, type HttpAccess } from "./access.ts";
export { Authority, CertificateError, certificatesOf, urisOf, type Issued, type KeyPair } from "./authority.ts";
export {
  DEFAULT_TRUST_DOMAIN,
  formatIdentity,
  identityPath,
  includesRole,
  isRole,
  isTrustDomain,
  roles,
  servicePrefix,
  type Identity,
  type Role,
} from "./identity.ts";
export { Security, type SecurityOptions } from "./security.ts";
export { readStateAuthority } from "./state-authority.ts";
export { readKeyPair, readTrust, type KeyPairFiles } from "./tls-files.ts";
export { TOKEN_HEADER, type PodIdentity, type TokenReviewer } from "./sidecar-tokens.ts";
export { TokenStore, type TokenRecord } from "./tokens.ts";
export { WorkloadCertificates } from "./workload-certificates.ts";
