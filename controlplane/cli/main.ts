// The command `meshwright`. What a command needs is loaded when it runs: all of it takes a second.
import { Command, InvalidArgumentError, Option } from "commander";
import { addAbCommands } from "./ab/index.ts";
import { addAuthzCommands } from "./authz/index.ts";
import { addConnectionOptions } from "./ask.ts";
import { addBackupCommand } from "./backup.ts";
import { addBootstrapCommand } from "./bootstrap-options.ts";
import { addDashboardCommand } from "./dashboard/index.ts";
import { addConfigCommand } from "./config.ts";
import { addFilterCommands } from "./filter/index.ts";
import type { ImportFlags } from "./import.ts";
import type { LimitsOptions } from "./limits.ts";
import { httpOption, parseLifetime, parseWindow, stateOption, trustDomainOption, xdsOption } from "./options.ts";
import { parseHostPort } from "./parse-host-port.ts";
import { addPlanCommand } from "./plan/index.ts";
import { addInjectCommand } from "./inject-options.ts";
import { addModuleCommands } from "./modules/index.ts";
import { addResourceCommands } from "./resources/index.ts";
import { collect } from "./request-flags.ts";
import type { QuotaOptions } from "./quota.ts";
import { addRolloutCommands } from "./rollout/index.ts";
import type { ServeOptions } from "./serve.ts";
import type { StatusOptions } from "./status.ts";
import type { TraceFlags } from "./trace.ts";
import type { ValidateFlags } from "./validate.ts";
import { addTokenCommands } from "./token.ts";
import { parseStoreUrl } from "../store/store-url.ts";

const program = new Command("meshwright")
  .description("WebAssembly filters for Envoy, and an xDS control plane that distributes them and routes to sidecars.")
  .showHelpAfterError("(--help tells more)")
  // 1 is for faults in what a command was given to work on, 2 for the command line itself.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command("serve")
  .description("serve resources to sidecars, and every change of them: those of a folder, and those that are applied")
  .option("--config <folder>", "folder of YAML files")
  .option("--kubernetes", "follow the cluster that this runs in, or that --kubeconfig names", false)
  .addOption(new Option("--kubeconfig <file>", "how the cluster is reached, with --kubernetes").env("KUBECONFIG"))
  .option("--namespace <name>", "the only namespace of the cluster that is followed; default: all")
  .option(
    "--admission <address>",
    "also serve the cluster's admission webhooks here: sidecars for pods, and a look at resources; with --kubernetes",
    parseHostPort,
  )
  .option("--inject-settings <file>", "how pods get a sidecar; the usual way when left out")
  .option("--webhook-configuration <name>", "the webhook configurations that get the certificates", "meshwright")
  .option(
    "--host <name>",
    "a name under which the control plane is reached, for its certificate; can be repeated",
    collect,
    [],
  )
  .addOption(stateOption("where applied resources, modules, tokens and the authority of certificates are kept"))
  .addOption(xdsOption())
  .addOption(httpOption("where modules, status and health are served"))
  .option(
    "--metrics <address>",
    "also serve metrics and health here, without encryption and to everybody, for Prometheus and probes",
    parseHostPort,
  )
  .addOption(trustDomainOption())
  .option("--authority-cert <file>", "your own authority, which issues certificates; made in --state when left out")
  .option("--authority-key <file>", "its key")
  .option("--trust <file>", "the authorities whose certificates are believed; default: the one that issues")
  .option("--revoked <file>", "serial numbers of certificates that are believed no more, one a line, in hexadecimal")
  .option("--tls-cert <file>", "the control plane's own certificate; issued by the authority when left out")
  .option("--tls-key <file>", "its key")
  .option(
    "--workload-lifetime <time>",
    "how long certificates of sidecars towards one another are good for",
    parseLifetime,
    parseLifetime("24h"),
  )
  .option("--webhooks <file>", "receivers that are told what becomes of Rollouts")
  .option("--insecure", "without encryption, and whoever reaches the ports may do everything", false)
  .addOption(
    new Option(
      "--store <url>",
      "etcd, for several control planes, as etcd://host:port,host:port/prefix or etcds://; default: a file in --state",
    )
      .env("MESHWRIGHT_STORE")
      .argParser(parseStore),
  )
  .option("--store-ca <file>", "the authority of etcd's certificates")
  .option("--store-cert <file>", "a certificate for etcd")
  .option("--store-key <file>", "its key")
  .addOption(new Option("--store-user <name:password>", "a user of etcd's").env("MESHWRIGHT_STORE_USER"))
  .option(
    "--max-connection-age <time>",
    "after which a sidecar is asked to connect again, so that several control planes share the sidecars; default: never",
    parseLifetime,
  )
  .addOption(
    new Option("--quota-store <url>", "Redis or Valkey, where the counts of quotas are kept, as redis://host:port")
      .env("MESHWRIGHT_QUOTA_STORE")
      .argParser(parseQuotaStore),
  )
  .addOption(
    new Option("--pre-checks <which>", "whether Rollouts try new versions of filters before any sidecar gets them")
      .choices(["on", "off"])
      .default("on"),
  )
  .option(
    "--shadow-envoy <file>",
    "an Envoy in which pre-checks try filters too; auto: the one that is installed, if any; or never",
    "auto",
  )
  .option("--module-keys <folder>", "public keys, of cosign or minisign: every module has to be signed by one of them")
  .option(
    "--module-grace <time>",
    "how long nothing has to refer to a module before it is removed from --state; or never",
    (text) => (text === "never" ? text : parseLifetime(text)),
    parseLifetime("7d"),
  )
  .option(
    "--keep-stats <prefix>",
    "also keep statistics of sidecars whose names in Envoy start so; can be repeated",
    collect,
    [],
  )
  .option(
    "--stats-window <ms>",
    "how long the windows are in which figures of sidecars are measured, 500 to 60000: at least their --stats-interval",
    parseWindow,
    5_000,
  )
  .addOption(new Option("--log-format <format>", "json, or text for people").choices(["json", "text"]).default("json"))
  .action(async (options: ServeOptions) => (await import("./serve.ts")).serve(options));

program
  .command("validate")
  .description("check a folder as serve would, filters included, and print every fault with its place")
  .argument("<folder>", "folder of YAML files")
  .option("--module-keys <folder>", "as serve has it")
  .action(async (folder: string, flags: ValidateFlags) => (await import("./validate.ts")).validate(folder, flags));

program
  .command("import")
  .description(
    "turn filters of Envoy (rbac, jwt_authn, local_ratelimit, ratelimit with its service) or policies of Istio into configurations of authz and ratelimit, and WasmPlugins of Istio into resources",
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
  .action(async (files: string[], flags: ImportFlags) => (await import("./import.ts")).importFiles(files, flags));

addConnectionOptions(program.command("status"))
  .description("show each sidecar: what it has, what it rejected and why, and which filters it has loaded")
  .option("--json", "print it as JSON", false)
  .action(async (options: StatusOptions) => (await import("./status.ts")).status(options));

addConfigCommand(program);

addConnectionOptions(program.command("trace"))
  .description(
    "follow a resource from the line of its file to the Envoy resources that come of it, and what a sidecar says of them",
  )
  .argument("<node>", "node id of the sidecar")
  .argument("<resource>", "Kind/name of a resource, or the name of an Envoy resource, as Listener/inbound or inbound")
  .option("--json", "print it as JSON", false)
  .action(async (node: string, resource: string, flags: TraceFlags) =>
    (await import("./trace.ts")).traceResource(node, resource, flags),
  );

addConnectionOptions(program.command("quota"))
  .description("show the buckets of quotas, and so the keys of limits for the whole fleet, with the most requests")
  .option("--top <count>", "how many, 100 at most", parseTop, 20)
  .addOption(
    new Option("--by <what>", "by all requests, or by those that were refused")
      .choices(["requests", "denied"])
      .default("requests"),
  )
  .option("--json", "print it as JSON", false)
  .action(async (options: QuotaOptions) => (await import("./quota.ts")).quota(options));

addConnectionOptions(program.command("limits"))
  .description("show what the limits of the filter ratelimit let pass and refused, over all sidecars")
  .option("--json", "print it as JSON", false)
  .action(async (options: LimitsOptions) => (await import("./limits.ts")).limits(options));

addResourceCommands(program);
addPlanCommand(program);
addRolloutCommands(program);
addDashboardCommand(program);
addModuleCommands(program);
addBackupCommand(program);
addBootstrapCommand(program);
addInjectCommand(program);
addTokenCommands(program);
addAbCommands(program);
addAuthzCommands(program);
addFilterCommands(program);

await program.parseAsync();

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

function parseStore(text: string): string {
  if (parseStoreUrl(text) !== undefined) return text;
  throw new InvalidArgumentError("expected a URL such as etcd://127.0.0.1:2379, with the port");
}

function parseQuotaStore(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname && ["redis:", "rediss:"].includes(url.protocol)) return text;
  throw new InvalidArgumentError("expected a URL such as redis://127.0.0.1:6379");
}
