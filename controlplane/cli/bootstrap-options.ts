import { InvalidArgumentError, Option, type Command } from "commander";
import type { BootstrapFlags } from "./bootstrap.ts";
import { orFail } from "./fail.ts";
import { httpOption, parseInterval, parseLifetime, stateOption, trustDomainOption, xdsOption } from "./options.ts";
import { parseHostPort } from "./parse-host-port.ts";

const DEFAULT_STATS_INTERVAL_MS = 5_000;

/** Reads a time such as `5s`, of an hour at most, in milliseconds. */
function parseReconnect(text: string): number {
  const value = parseLifetime(text);
  if (value > 3_600_000) throw new InvalidArgumentError("expected a time such as 5s or 1m, up to 1h");
  return value;
}

/** Adds the command `bootstrap`. */
export function addBootstrapCommand(program: Command): void {
  program
    .command("bootstrap")
    .description("print the bootstrap configuration of a sidecar, for envoy --config-path, and write its certificate")
    .requiredOption("--node <id>", "the sidecar's node id, as sidecar.node of a Service's endpoint has it")
    .requiredOption("--service <name>", "the Service that the sidecar stands beside")
    .addOption(xdsOption())
    .addOption(httpOption("where the control plane serves modules"))
    .addOption(
      new Option("--protocol <variant>", "delta (incremental xDS) or sotw (state of the world)")
        .choices(["delta", "sotw"])
        .default("delta"),
    )
    .option("--admin <address>", "where Envoy's admin interface listens; none when left out", parseHostPort)
    .option(
      "--stats-interval <ms>",
      "how often the sidecar sends its statistics",
      parseInterval,
      DEFAULT_STATS_INTERVAL_MS,
    )
    .addOption(
      new Option("--reconnect <time>", "the longest that it waits between two tries to reach the control plane")
        .argParser(parseReconnect)
        .default(parseReconnect("5s"), "5s"),
    )
    .addOption(stateOption("the control plane's folder, whose authority issues the sidecar's certificate"))
    .option("--credentials <folder>", "where the sidecar's certificate and key are written; default: in --state")
    .option(
      "--valid-for <time>",
      "how long the certificate is good for, such as 12h or 90d",
      parseLifetime,
      parseLifetime("90d"),
    )
    .addOption(trustDomainOption())
    .option("--authority-cert <file>", "your own authority, which issues the certificate")
    .option("--authority-key <file>", "its key")
    .option("--client-cert <file>", "a certificate that the sidecar has already, instead")
    .option("--client-key <file>", "its key")
    .option("--trust <file>", "the authorities that the sidecar trusts; default: the one that issues")
    .addOption(
      new Option("--grpc", "print the one of a gRPC client without a sidecar instead, for GRPC_XDS_BOOTSTRAP, as JSON")
        .default(false)
        .conflicts(["http", "protocol", "admin", "statsInterval", "reconnect", "serverName"]),
    )
    .option("--server-name <name>", "a DNS name in the control plane's certificate; default: its SPIFFE ID is expected")
    .option("--insecure", "without encryption and certificates, for a control plane that runs so", false)
    .action((flags: BootstrapFlags) => orFail(async () => (await import("./bootstrap.ts")).bootstrap(flags)));
}
