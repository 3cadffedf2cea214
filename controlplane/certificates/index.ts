export { loadMaterials, type Materials } from "./load.ts";
export type { CertificateMaterial } from "./material.ts";
export { endsSoon, type CertificateTime } from "./times.ts";
