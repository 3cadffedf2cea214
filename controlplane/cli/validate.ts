import { formatProblem } from "../model/index.ts";
import { folderPipeline, withScratch } from "./scratch-pipeline.ts";

export interface ValidateFlags {
  readonly moduleKeys?: string;
}

/** `meshwright validate`: everything that serve does before a sidecar sees anything. The exit status is 1 for a fault. */
export async function validate(folder: string, { moduleKeys }: ValidateFlags): Promise<void> {
  try {
    const result = await withScratch((scratch) => folderPipeline(scratch, folder).prepare(), { moduleKeys });
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
        ...(model.meshes.size > 0 ? ["a Mesh"] : []),
        ...(model.certificates.size > 0 ? [`${String(model.certificates.size)} Certificates`] : []),
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
  }
}
