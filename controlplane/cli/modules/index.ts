import type { Command } from "commander";
import type { ModulesReport } from "../../api/index.ts";
import { addConnectionOptions, query, type Connection } from "../ask.ts";
import { orFail } from "../fail.ts";
import { printReport } from "../print-report.ts";
import { formatCollection, formatModules } from "./format.ts";

interface ListFlags extends Connection {
  readonly json: boolean;
}

interface CollectFlags extends ListFlags {
  readonly dryRun: boolean;
}

/** Adds `meshwright modules ...`. */
export function addModuleCommands(program: Command): void {
  const modules = program
    .command("modules")
    .description("show the modules that a control plane keeps, and remove what nothing needs");
  addConnectionOptions(modules.command("list"))
    .description("show each module: its hash, its size, where it came from and what refers to it")
    .option("--json", "print it as JSON", false)
    .action(({ json, ...connection }: ListFlags) =>
      orFail(async () => {
        const report = (await query(connection, "/api/v1/modules")) as ModulesReport;
        printReport(json, report, () => formatModules(report));
      }),
    );
  addConnectionOptions(modules.command("collect"))
    .description(
      "remove now what nothing has referred to for the time of serve --module-grace, as serve does by itself",
    )
    .option("--dry-run", "only show it", false)
    .option("--json", "print it as JSON", false)
    .action(({ json, dryRun, ...connection }: CollectFlags) =>
      orFail(async () => {
        const question = dryRun ? {} : ({ method: "POST", body: {} } as const);
        const path = dryRun ? "/api/v1/modules" : "/api/v1/modules/collect";
        const report = (await query(connection, path, question)) as ModulesReport;
        printReport(json, report, () => formatCollection(report, dryRun));
      }),
    );
  addConnectionOptions(modules.command("unpin"))
    .description("forget which module an image was found to hold, when nothing names it any more")
    .argument("<image>", "as a WasmModule named it")
    .action((image: string, connection: Connection) =>
      orFail(async () => {
        await query(connection, "/api/v1/modules/unpin", { method: "POST", body: { image } });
        process.stdout.write(`${image} is pinned no more\n`);
      }),
    );
}
