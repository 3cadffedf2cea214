export type { ModuleRef, TranslationSettings } from "./settings.ts";
export { translate, whyNotOfService, type NodeSnapshot, type Translation } from "./translation.ts";
export { clientSocket, type PeerNames } from "./tls.ts";
export { whyNoFilters } from "./filter-support.ts";
export { isProxyless } from "./proxyless.ts";
export { certificateSecrets, secretSet, sidecarsWithSecrets, type IdentityOfSidecars } from "./secrets.ts";
export { adminCluster } from "./names.ts";
export type { PortPlace, SidecarPlace } from "./sidecar-places.ts";
