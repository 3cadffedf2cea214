import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { inspectModule, type Inspection } from "@meshwright/host";
import { Compiler } from "./compiler.ts";
import type { Project } from "./project.ts";
import { nameWithPlaces } from "./symbolize.ts";

export interface BuildOptions {
  /** Keeps names, checks and a source map instead of optimizing. */
  readonly debug: boolean;
  /** Where the module goes; the source map of a debug module goes beside it, as `OUT.map`. */
  readonly out: string;
}

/** A module that Envoy loads, or why there is none. */
export type BuildResult =
  | {
      readonly ok: true;
      readonly module: Uint8Array;
      readonly inspection: Inspection;
      /** Of a debug module. */
      readonly sourceMap?: string;
      /** What the compiler warned of. */
      readonly said: string;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Builds a filter with a compiler of its own. */
export async function buildFilter(project: Project, options: BuildOptions): Promise<BuildResult> {
  const compiler = await Compiler.start(project);
  try {
    return await buildWith(compiler, project, options);
  } finally {
    await compiler.stop();
  }
}

/** Builds a filter. The module appears under its name whole or not at all, for whoever watches it. */
export async function buildWith(compiler: Compiler, project: Project, options: BuildOptions): Promise<BuildResult> {
  const out = resolve(options.out);
  mkdirSync(dirname(out), { recursive: true });
  const scratch = mkdtempSync(join(dirname(out), ".build-"));
  try {
    const file = join(scratch, "filter.wasm");
    const argv = [project.entry, "--config", project.config, "--target", options.debug ? "debug" : "release"];
    if (options.debug) argv.push("--sourceMap");
    const { ok, said } = await compiler.compile([...argv, "--outFile", relative(project.root, file)]);
    if (!ok) return { ok: false, problems: [said.trim()] };

    let module: Uint8Array = readFileSync(file);
    const inspection = inspectModule(module);
    if (!inspection.ok)
      return {
        ok: false,
        problems: inspection.problems.map(({ message }) => `Envoy would refuse the module: ${message}`),
      };
    const sourceMap = options.debug ? readFileSync(`${file}.map`, "utf8") : undefined;
    if (sourceMap !== undefined) {
      module = nameWithPlaces(module, sourceMap);
      writeFileSync(file, module);
      renameSync(`${file}.map`, `${out}.map`);
    } else rmSync(`${out}.map`, { force: true });
    renameSync(file, out);
    return { ok: true, module, inspection, said: said.trim(), ...(sourceMap === undefined ? {} : { sourceMap }) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
