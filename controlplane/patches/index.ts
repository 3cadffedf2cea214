export { EnvoyPatches } from "./envoy-patches.ts";
