// Project Wycheproof's test vectors of signatures, which are published as a Go module.
import { join } from "node:path";
import { cacheFolder, withLock } from "../controlplane/envoy-binary/cache.mjs";
import { SetupError, run, step } from "./tools.mjs";

const MODULE = "github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a";
/** What Go computes over all files of the module. */
const SUM = "h1:pNbL2nztRsWfW/ispAwsvcDFxs9Id38uIsR2/Up5G2c=";

/**
 * The folder of the vectors, in the cache. Undefined where there is no Go, or Go cannot get them; an error where they are not the
 * ones that they should be.
 * @returns {Promise<string | undefined>}
 */
export async function wycheproof() {
  const cache = cacheFolder("go");
  const env = { ...process.env, GOMODCACHE: cache, GOFLAGS: "-modcacherw", GO111MODULE: "on", GOTOOLCHAIN: "local" };
  return withLock(`${cache}.lock`, async () => {
    let answer;
    try {
      answer = await run("go", ["mod", "download", "-json", MODULE], { cwd: cache, env });
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      step(`no Wycheproof vectors: ${error.message}`);
      return undefined;
    }
    /** @type {{ Dir: string, Sum: string }} */
    const { Dir, Sum } = JSON.parse(answer.toString());
    if (Sum !== SUM) throw new SetupError(`${MODULE} has the checksum ${Sum}, expected ${SUM}`);
    return join(Dir, "testvectors_v1");
  });
}
