import { pino } from "pino";
import { previewOf, type Release } from "../../control/index.ts";
import { InputError } from "../../explain/input-error.ts";
import { formatProblem, type Problem } from "../../model/index.ts";
import { faultyPlan, makePlan, type PlanReport } from "../../plan/index.ts";
import { MemoryRolloutStore, Records, Serving } from "../../rollout/index.ts";
import { folderPipeline, withScratch, type Scratch } from "../scratch-pipeline.ts";

/**
 * What it would do to the sidecars if a folder that is served became another one. No sidecar is connected, and of Rollouts
 * no run has been.
 *
 * @throws InputError when what is served could not be.
 */
export async function planFolders(from: string, to: string): Promise<PlanReport> {
  return withScratch(async (scratch) => {
    // One after the other: what is equal in both is then the same.
    const old = await folderPipeline(scratch, from).prepare();
    if (!old.ok) throw faulty(from, old.problems);
    const now = await folderPipeline(scratch, to).prepare();
    if (!now.ok) return faultyPlan(now.problems);
    const serving = await servingOf(scratch, old.release, now.release);
    const problems = (await serving.adopt(old.release)) ?? [];
    if (problems.length > 0) throw faulty(from, problems);
    const before = { content: old.release, translationFor: (node: string) => serving.translationFor(node) };
    const preview = previewOf(before, now.release, await serving.preview(now.release), scratch.settings);
    if (!preview.ok) return faultyPlan(preview.problems);
    return makePlan({ ...preview, connected: [], showsConfigurations: true });
  });
}

function faulty(folder: string, problems: readonly Problem[]): InputError {
  return new InputError([`${folder} could not be served:`, ...problems.map(formatProblem)].join("\n"));
}

async function servingOf({ settings }: Scratch, ...releases: Release[]): Promise<Serving<LoadedModule>> {
  const modules = releases.flatMap((release) => [...release.modules.values()]);
  const options = {
    settings,
    findModule: (sha256: string) => modules.find((module) => module.sha256 === sha256),
    prepare: () => Promise.resolve(),
    beforeChange: () => Promise.resolve(),
    onServed: () => undefined,
    log: pino({ level: "silent" }),
  };
  return new Serving(options, await Records.open(new MemoryRolloutStore()), Date.now);
}

type LoadedModule = Release["modules"] extends ReadonlyMap<string, infer Module> ? Module : never;
