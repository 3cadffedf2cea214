import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pipeline } from "../control/index.ts";
import { formatProblem } from "../model/index.ts";
import { ModuleFetcher, ModuleStore, SignatureChecks } from "../modules/index.ts";
import { DEFAULT_TRUST_DOMAIN } from "../security/index.ts";
import { readKeys } from "../signatures/index.ts";
import { FolderSource } from "../source/index.ts";
import { MODULES_CLUSTER } from "../bootstrap/index.ts";

export interface ValidateFlags {
  readonly moduleKeys?: string;
}

/** `meshwright validate`: everything that serve does before a sidecar sees anything. The exit status is 1 for a fault. */
export async function validate(folder: string, { moduleKeys }: ValidateFlags): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "meshwright-validate-"));
  const store = new ModuleStore(scratch);
  const fetcher = new ModuleFetcher(store, { patienceMs: 60_000 });
  try {
    const settings = {
      modulesAuthority: "127.0.0.1:18001",
      modulesCluster: MODULES_CLUSTER,
      trustDomain: DEFAULT_TRUST_DOMAIN,
    };
    const keys = moduleKeys === undefined ? undefined : readKeys(moduleKeys);
    const signatures = keys && new SignatureChecks(store, fetcher, () => keys);
    const options = signatures === undefined ? {} : { signatures };
    const result = await new Pipeline(new FolderSource(folder), store, fetcher, settings, options).prepare();
    if (result.ok) {
      const { model } = result.release;
      const counts = [
        `${String(model.services.size)} Services`,
        `${String(model.httpRoutes.size)} HTTPRoutes`,
        `${String(model.grpcRoutes.size)} GRPCRoutes`,
        `${String(model.wasmModules.size)} WasmModules`,
        `${String(model.filterPolicies.size)} FilterPolicies`,
        ...(model.quotas.size > 0 ? [`${String(model.quotas.size)} Quotas`] : []),
        ...(model.rollouts.size > 0 ? [`${String(model.rollouts.size)} Rollouts`] : []),
        ...(model.envoyPatches.size > 0 ? [`${String(model.envoyPatches.size)} EnvoyPatches`] : []),
        ...(model.telemetries.size > 0 ? [`${String(model.telemetries.size)} Telemetries`] : []),
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
