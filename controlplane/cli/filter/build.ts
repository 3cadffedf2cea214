import { join, relative } from "node:path";
import { buildFilter } from "../../filter/build.ts";
import { isManifest, withComposed } from "../../filter/compose.ts";
import { findProject, type Project } from "../../filter/project.ts";
import { reportModule } from "../../filter/report.ts";

export interface BuildFlags {
  readonly debug: boolean;
  readonly out?: string;
}

/** `meshwright filter build`. */
export async function build(path: string, flags: BuildFlags): Promise<void> {
  if (isManifest(path)) await withComposed(path, (project) => buildProject(project, flags));
  else await buildProject(findProject(path), flags);
}

async function buildProject(project: Project, { debug, out }: BuildFlags): Promise<void> {
  const file = out ?? join(project.root, "build", `${project.name}.wasm`);
  const result = await buildFilter(project, { debug, out: file });
  if (!result.ok) {
    process.stderr.write(`${result.problems.join("\n")}\n`);
    process.exitCode = 1;
    return;
  }
  const { module, inspection, said } = result;
  for (const warning of [said, ...inspection.warnings]) if (warning !== "") process.stderr.write(`${warning}\n`);
  const callbacks = reportModule(module).exports.flatMap(({ callback }) => callback ?? []);
  process.stdout.write(
    `${relative(process.cwd(), file)}: ${module.length.toLocaleString("en")} bytes, ABI ${inspection.abiVersion ?? "unknown"}\n` +
      `callbacks: ${callbacks.join(", ")}\n`,
  );
}
