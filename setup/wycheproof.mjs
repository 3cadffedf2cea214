// Project Wycheproof's test vectors of signatures, which are published as a Go module.
import { join } from "node:path";
import { goModule } from "./go.mjs";

const MODULE = "github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a";
/** What Go computes over all files of the module. */
const SUM = "h1:pNbL2nztRsWfW/ispAwsvcDFxs9Id38uIsR2/Up5G2c=";

/**
 * The folder of the vectors, in the cache. Undefined where there is no Go, or Go cannot get them; an error where they are not the
 * ones that they should be.
 * @returns {Promise<string | undefined>}
 */
export async function wycheproof() {
  const folder = await goModule(MODULE, SUM);
  return folder && join(folder, "testvectors_v1");
}
