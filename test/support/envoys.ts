import { envoyBinary, envoyOfVersion, envoyVersions } from "../../setup/envoy.mjs";

/** An Envoy to test with. */
export interface TestedEnvoy {
  /** Its version, or `Envoy` for the one that is used by default. */
  readonly title: string;
  readonly binary: () => Promise<string>;
}

/** Every supported Envoy with `MESHWRIGHT_ENVOYS=all`, which is `npm run test:envoys`; else the one that is used by default. */
export function testedEnvoys(): readonly TestedEnvoy[] {
  if (process.env["MESHWRIGHT_ENVOYS"] !== "all") return [{ title: "Envoy", binary: envoyBinary }];
  return envoyVersions.map((version) => ({ title: `Envoy ${version}`, binary: () => envoyOfVersion(version) }));
}
