import { once } from "node:events";
import { join } from "node:path";
import { root } from "../../setup/paths.mjs";
import { Process } from "./processes.ts";

/** The command `meshwright` as npm links it; in another folder, or of another installation, if told so. */
export function command(
  args: readonly string[],
  {
    bin = join(root, "node_modules", ".bin", "meshwright"),
    ...options
  }: { bin?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Process {
  return new Process(`meshwright ${args.join(" ")}`, process.execPath, ["--enable-source-maps", bin, ...args], options);
}

/** Runs it to its end: the exit status, and what it wrote on both streams. */
export async function runCommand(
  ...parameters: Parameters<typeof command>
): Promise<{ code: number | null; output: string }> {
  const process = command(...parameters);
  const [code] = (await once(process.child, "close")) as [number | null];
  return { code, output: process.output };
}
