import type { Command } from "commander";
import { orFail } from "./fail.ts";
import type { InjectFlags } from "./inject.ts";
import { collect } from "./request-flags.ts";

/** Adds the command `inject`. */
export function addInjectCommand(program: Command): void {
  program
    .command("inject")
    .description("give the pods in Kubernetes manifests a sidecar, as the webhook does it in a cluster, and print them")
    .requiredOption("-f, --filename <file>", "YAML or JSON; - for standard input; can be repeated", collect, [])
    .option("--settings <file>", "how pods get a sidecar, as the webhook has it; the usual way when left out")
    .option("--trust <file>", "certificates of the authorities whose control plane the sidecars believe")
    .option("--namespace <name>", "the namespace of objects that name none", "default")
    .option("--quiet", "do not say on standard error what became of each pod", false)
    .action(async (flags: InjectFlags) => orFail(async () => (await import("./inject.ts")).injectCommand(flags)));
}
