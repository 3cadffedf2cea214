// Helm for the tests of the chart, built once from its module with Go. `node setup/kubernetes.mjs` builds it.
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, cachePath } from "../controlplane/envoy-binary/cache.mjs";
import { withGo } from "./go.mjs";
import { run, step } from "./tools.mjs";

const VERSION = "3.18.6";
const binary = () => cachePath("helm", VERSION, "helm");

/**
 * Helm in the cache; undefined where none was built.
 * @returns {string | undefined}
 */
export function builtHelm() {
  return existsSync(binary()) ? binary() : undefined;
}

/**
 * Builds Helm unless it is there: some three minutes of one processor.
 * @returns {Promise<string>} The binary.
 * @throws {import("./tools.mjs").SetupError} Where there is no Go, or it cannot get the modules.
 */
export async function buildHelm() {
  const parent = cacheFolder("helm");
  return (
    builtHelm() ??
    withGo(async (_, env) => {
      if (existsSync(binary())) return binary();
      const scratch = mkdtempSync(join(parent, "build-"));
      try {
        step(`building helm ${VERSION}, which takes some minutes the first time`);
        await run("go", ["install", "-trimpath", "-ldflags", "-s -w", `helm.sh/helm/v3/cmd/helm@v${VERSION}`], {
          cwd: scratch,
          env: { ...env, CGO_ENABLED: "0", GOBIN: scratch },
        });
        renameSync(join(scratch, "helm"), join(cacheFolder("helm", VERSION), "helm"));
        return binary();
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    })
  );
}
