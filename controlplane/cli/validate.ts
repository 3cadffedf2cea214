import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pipeline } from "../control/index.ts";
import { formatProblem } from "../model/index.ts";
import { ModuleFetcher, ModuleStore } from "../modules/index.ts";
import { DEFAULT_TRUST_DOMAIN } from "../security/index.ts";
import { FolderSource } from "../source/index.ts";
import { MODULES_CLUSTER } from "../bootstrap/index.ts";

/** `meshwright validate`: everything that serve does before a sidecar sees anything. The exit status is 1 for a fault. */
export async function validate(folder: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "meshwright-validate-"));
  const store = new ModuleStore(scratch);
  const fetcher = new ModuleFetcher(store, { patienceMs: 60_000 });
  try {
    const settings = {
      modulesAuthority: "127.0.0.1:18001",
      modulesCluster: MODULES_CLUSTER,
      trustDomain: DEFAULT_TRUST_DOMAIN,
    };
    const result = await new Pipeline(new FolderSource(folder), store, fetcher, settings).prepare();
    if (result.ok) {
      const {
        services,
        httpRoutes,
        grpcRoutes,
        wasmModules,
        filterPolicies,
        quotas,
        envoyPatches,
        rollouts,
        telemetries,
      } = result.release.model;
      const counts = [
        `${String(services.size)} Services`,
        `${String(httpRoutes.size)} HTTPRoutes`,
        `${String(grpcRoutes.size)} GRPCRoutes`,
        `${String(wasmModules.size)} WasmModules`,
        `${String(filterPolicies.size)} FilterPolicies`,
        ...(quotas.size > 0 ? [`${String(quotas.size)} Quotas`] : []),
        ...(rollouts.size > 0 ? [`${String(rollouts.size)} Rollouts`] : []),
        ...(envoyPatches.size > 0 ? [`${String(envoyPatches.size)} EnvoyPatches`] : []),
        ...(telemetries.size > 0 ? [`${String(telemetries.size)} Telemetries`] : []),
      ];
      process.stdout.write(`${folder} is good: ${counts.join(", ")}\n`);
    } else {
      process.stdout.write(`${result.problems.map(formatProblem).join("\n")}\n`);
      process.exitCode = 1;
    }
  } catch (error) {
    process.stderr.write(`meshwright: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    fetcher.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}
