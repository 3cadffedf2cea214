import { InvalidArgumentError, type Command } from "commander";
import { addConnectionOptions, type Connection } from "../ask.ts";
import { orFail } from "../fail.ts";

interface DashboardFlags extends Connection {
  readonly port: number;
  readonly open: boolean;
}

/** Adds `meshwright dashboard`. */
export function addDashboardCommand(program: Command): void {
  addConnectionOptions(program.command("dashboard"))
    .description(
      "show the fleet and its rollouts in a browser on this machine, which is let in as the user of this command",
    )
    .option("--port <port>", "the port on this machine's loopback address; 0 is any that is free", parsePort, 18002)
    .option("--open", "also open the browser; other users of this machine may see the address as it starts", false)
    .action((flags: DashboardFlags) => orFail(async () => (await import("./run.ts")).runDashboard(flags)));
}

function parsePort(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError("expected a port from 0 to 65535");
}
