// The command `meshwright`.
import { Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import {
  bootstrapJson,
  createBootstrap,
  DEFAULT_STATS_INTERVAL_MS,
  type BootstrapOptions,
} from "../bootstrap/index.ts";
import { addAbCommands } from "./ab/index.ts";
import { addAuthzCommands } from "./authz/index.ts";
import { addFilterCommands } from "./filter/index.ts";
import { importFiles, type ImportFlags } from "./import.ts";
import { limits, type LimitsOptions } from "./limits.ts";
import { parseHostPort } from "./parse-host-port.ts";
import { collect } from "./request-flags.ts";
import { quota, type QuotaOptions } from "./quota.ts";
import { serve, type ServeOptions } from "./serve.ts";
import { status, type StatusOptions } from "./status.ts";
import { validate } from "./validate.ts";

/** The flags of `bootstrap`, named as its options are but for the unit. */
type BootstrapFlags = Omit<BootstrapOptions, "statsIntervalMs"> & { readonly statsInterval: number };

const xds = (): Option =>
  new Option("--xds <address>", "where xDS is served")
    .argParser(parseHostPort)
    .default(parseHostPort("18000"), "127.0.0.1:18000");
const http = (what: string): Option =>
  new Option("--http <address>", what).argParser(parseHostPort).default(parseHostPort("18001"), "127.0.0.1:18001");

const program = new Command("meshwright")
  .description("WebAssembly filters for Envoy, and an xDS control plane that distributes them and routes to sidecars.")
  .showHelpAfterError("(--help tells more)")
  // 1 is for faults in what a command was given to work on, 2 for the command line itself.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command("serve")
  .description("serve the resources in a folder to sidecars, and every change of them")
  .requiredOption("--config <folder>", "folder of YAML files")
  .option("--state <folder>", "where modules are kept", ".meshwright")
  .addOption(xds())
  .addOption(http("where modules, status and health are served"))
  .addOption(
    new Option("--quota-store <url>", "Redis or Valkey, where the counts of quotas are kept, as redis://host:port")
      .env("MESHWRIGHT_QUOTA_STORE")
      .argParser(parseStoreUrl),
  )
  .option(
    "--keep-stats <prefix>",
    "also keep statistics of sidecars whose names in Envoy start so; can be repeated",
    collect,
    [],
  )
  .addOption(new Option("--log-format <format>", "json, or text for people").choices(["json", "text"]).default("json"))
  .action((options: ServeOptions) => serve(options));

program
  .command("bootstrap")
  .description("print the bootstrap configuration of a sidecar, for envoy --config-path")
  .requiredOption("--node <id>", "the sidecar's node id, as sidecar.node of a Service's endpoint has it")
  .requiredOption("--service <name>", "the Service that the sidecar stands beside")
  .addOption(xds())
  .addOption(http("where the control plane serves modules"))
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
  .action((flags: BootstrapFlags) => {
    const { statsInterval, ...rest } = flags;
    const bootstrap = createBootstrap({ ...rest, statsIntervalMs: statsInterval });
    process.stdout.write(stringify(bootstrapJson(bootstrap)));
  });

program
  .command("validate")
  .description("check a folder as serve would, filters included, and print every fault with its place")
  .argument("<folder>", "folder of YAML files")
  .action((folder: string) => validate(folder));

program
  .command("import")
  .description(
    "turn filters of Envoy (rbac, jwt_authn, local_ratelimit, ratelimit with its service) or policies of Istio into configurations of authz and ratelimit",
  )
  .argument("<file...>", "YAML or JSON; - for standard input")
  .addOption(new Option("--from <source>", "what the files are; found out when left out").choices(["envoy", "istio"]))
  .option("--out <folder>", "where configurations are written; standard output when left out")
  .option("--json", "print configurations and findings as JSON", false)
  .option("--allow-loss", "write also what could not be carried over whole; authz is stricter there", false)
  .addOption(
    new Option("--scope <scope>", "who counts what Envoy's ratelimit asks a service for")
      .choices(["service", "fleet", "envoy"])
      .default("service"),
  )
  .option("--trusted-hops <count>", "how many proxies Envoy trusts with x-forwarded-for", parseCount)
  .option("--trust-domain <name>", "what cluster.local stands for in Istio's principals", "cluster.local")
  .option("--root-namespace <name>", "the namespace whose Istio policies apply in all", "istio-system")
  .action((files: string[], flags: ImportFlags) => importFiles(files, flags));

program
  .command("status")
  .description("show each sidecar: what it has, what it rejected and why, and which filters it has loaded")
  .addOption(http("where the control plane serves its status"))
  .option("--json", "print it as JSON", false)
  .action((options: StatusOptions) => status(options));

program
  .command("quota")
  .description("show the buckets of quotas, and so the keys of limits for the whole fleet, with the most requests")
  .addOption(http("where the control plane serves its status"))
  .option("--top <count>", "how many, 100 at most", parseTop, 20)
  .addOption(
    new Option("--by <what>", "by all requests, or by those that were refused")
      .choices(["requests", "denied"])
      .default("requests"),
  )
  .option("--json", "print it as JSON", false)
  .action((options: QuotaOptions) => quota(options));

program
  .command("limits")
  .description("show what the limits of the filter ratelimit let pass and refused, over all sidecars")
  .addOption(http("where the control plane serves its status"))
  .option("--json", "print it as JSON", false)
  .action((options: LimitsOptions) => limits(options));

addAbCommands(program);
addAuthzCommands(program);
addFilterCommands(program);

await program.parseAsync();

function parseInterval(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected whole milliseconds, 1 or more");
  return value;
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 16)
    throw new InvalidArgumentError("expected a whole number from 0 to 16");
  return value;
}

function parseTop(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100)
    throw new InvalidArgumentError("expected a whole number from 1 to 100");
  return value;
}

function parseStoreUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname && ["redis:", "rediss:"].includes(url.protocol)) return text;
  throw new InvalidArgumentError("expected a URL such as redis://127.0.0.1:6379");
}
