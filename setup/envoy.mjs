// The Envoy that tests run on is found as the command finds it, which has to work outside this repository too.
export { envoyBinary, envoyOfVersion, envoyVersions } from "../controlplane/envoy-binary/envoy.mjs";
