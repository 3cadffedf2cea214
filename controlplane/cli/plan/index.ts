import { InvalidArgumentError, type Command } from "commander";
import { addConnectionOptions } from "../ask.ts";
import { collect } from "../request-flags.ts";
import type { PlanFlags } from "./action.ts";

/** Adds `meshwright plan`. */
export function addPlanCommand(program: Command): void {
  addConnectionOptions(program.command("plan"))
    .description(
      "show what a change of the resources would send to which sidecars, and what Rollouts would hold back, before anything is sent",
    )
    .option("-f, --file <path...>", "files or folders that would be applied, over what is served; - for standard input")
    .option("--delete <resource>", "KIND/NAME that would be deleted; can be repeated", collect, [])
    .option("--from <folder>", "without a control plane: the folder as it is served")
    .option("--to <folder>", "without a control plane: the folder as it would be")
    .option("--nodes <count>", "how many sidecars are named where several get the same", parseNodes, 5)
    .option("--json", "print it as JSON", false)
    .option("--exit-code", "exit with 2 when something would change, 0 when nothing would; 1 is for faults", false)
    .action(async (flags: PlanFlags) => (await import("./action.ts")).plan(flags));
}

function parseNodes(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number, 1 or more");
  return value;
}
