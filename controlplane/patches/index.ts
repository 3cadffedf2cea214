export { EnvoyPatches } from "./envoy-patches.ts";
export { envoyRegistry } from "./registry.ts";
