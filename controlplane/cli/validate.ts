import { formatProblem } from "../model/index.ts";
import { folderPipeline, withScratch } from "./scratch-pipeline.ts";

/** `meshwright validate`: everything that serve does before a sidecar sees anything. The exit status is 1 for a fault. */
export async function validate(folder: string): Promise<void> {
  try {
    const result = await withScratch((scratch) => folderPipeline(scratch, folder).prepare());
    if (result.ok) {
      const { services, httpRoutes, grpcRoutes, wasmModules, filterPolicies, quotas, envoyPatches, rollouts } =
        result.release.model;
      const counts = [
        `${String(services.size)} Services`,
        `${String(httpRoutes.size)} HTTPRoutes`,
        `${String(grpcRoutes.size)} GRPCRoutes`,
        `${String(wasmModules.size)} WasmModules`,
        `${String(filterPolicies.size)} FilterPolicies`,
        ...(quotas.size > 0 ? [`${String(quotas.size)} Quotas`] : []),
        ...(rollouts.size > 0 ? [`${String(rollouts.size)} Rollouts`] : []),
        ...(envoyPatches.size > 0 ? [`${String(envoyPatches.size)} EnvoyPatches`] : []),
      ];
      process.stdout.write(`${folder} is good: ${counts.join(", ")}\n`);
    } else {
      process.stdout.write(`${result.problems.map(formatProblem).join("\n")}\n`);
      process.exitCode = 1;
    }
  } catch (error) {
    process.stderr.write(`meshwright: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
