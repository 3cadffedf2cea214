import { Option, type Command } from "commander";
import { addConnectionOptions, ask, type Connection } from "./ask.ts";

interface DumpFlags extends Connection {
  readonly type?: string;
  readonly output: "json" | "yaml";
}

/** Adds `meshwright config`. */
export function addConfigCommand(program: Command): void {
  const config = program.command("config").description("what sidecars are served");
  addConnectionOptions(config.command("dump"))
    .description(
      "show everything that a sidecar would be served now, and what it accepted and rejected; without secrets",
    )
    .argument("<node>", "its node id")
    .option("--type <type>", "only this type, by the name of Envoy's message or of its discovery service: Cluster, CDS")
    .addOption(new Option("-o, --output <format>", "how it is printed").choices(["json", "yaml"]).default("json"))
    .action((node: string, flags: DumpFlags) => dump(node, flags));
}

async function dump(node: string, { type, output, ...connection }: DumpFlags): Promise<void> {
  const query = new URLSearchParams({ node, ...(type === undefined ? {} : { type }) });
  const report = await ask(connection, `/api/v1/config?${query.toString()}`);
  if (report === undefined) return;
  process.stdout.write(
    output === "yaml" ? (await import("./as-yaml.ts")).stringify(report) : `${JSON.stringify(report, undefined, 2)}\n`,
  );
}
