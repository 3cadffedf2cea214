import { InvalidArgumentError, Option, type Command } from "commander";
import { addConnectionOptions } from "../ask.ts";
import { orFail } from "../fail.ts";
import type { ChangeFlags, Flags } from "./actions.ts";

/** Adds the commands that change and show what is applied over the API. */
export function addResourceCommands(program: Command): void {
  const command = (name: string, what: string): Command =>
    addConnectionOptions(program.command(name))
      .description(what)
      .addOption(new Option("-o, --output <format>", "for programs").choices(["json", "yaml"]));
  const change = (name: string, what: string): Command =>
    command(name, what)
      .option("--dry-run", "check it and show what would change", false)
      .option("--message <text>", "why, for the history")
      .option("--base <revision>", "fail if one of the resources was changed after this revision", parseRevision);
  const files = ["-f, --file <path...>", "files or folders; - for standard input"] as const;

  change("apply", "create and update resources on the control plane, all or none")
    .requiredOption(...files)
    .action((flags: ChangeFlags & { readonly file: string[] }) =>
      orFail(async () => (await import("./actions.ts")).apply(flags)),
    );
  change("delete", "delete resources of the control plane, all or none")
    .argument("<resource...>", "KIND/NAME")
    .action((resources: string[], flags: ChangeFlags) =>
      orFail(async () => (await import("./actions.ts")).remove(resources, flags)),
    );
  change("rollback", "make all applied resources what they were after an earlier revision")
    .argument("<revision>", "its number, as history shows it", parseRevision)
    .action((revision: string, flags: ChangeFlags) =>
      orFail(async () => (await import("./actions.ts")).rollback(revision, flags)),
    );
  command("diff", "show what apply would change; the exit status is 1 when there is something")
    .requiredOption(...files)
    .action((flags: Flags & { readonly file: string[] }) =>
      orFail(async () => (await import("./actions.ts")).diff(flags)),
    );
  command("get", "show the applied resources")
    .argument("[resource]", "KIND or KIND/NAME; all when left out")
    .option("--revision <revision>", "as they were after this revision", parseRevision)
    .action((resource: string | undefined, flags: Flags & { readonly revision?: string }) =>
      orFail(async () => (await import("./actions.ts")).get(resource, flags)),
    );
  command("history", "show who changed what, when and why, the latest first")
    .argument("[resource]", "KIND/NAME; all when left out")
    .option("--limit <count>", "how many", parseRevision, "20")
    .option("--diff", "show the changes line by line", false)
    .action((resource: string | undefined, flags: Flags & { readonly limit: string; readonly diff: boolean }) =>
      orFail(async () => (await import("./actions.ts")).history(resource, flags)),
    );
}

function parseRevision(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError("expected a whole number, 0 or more");
}
