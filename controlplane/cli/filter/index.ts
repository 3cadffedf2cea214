// The commands `meshwright filter`: from a new project to a module in a registry.
import { InvalidArgumentError, Option, type Command } from "commander";
import { parseHostPort } from "../parse-host-port.ts";
import type { BuildFlags } from "./build.ts";
import type { DevFlags } from "./dev.ts";
import { orFail } from "./fail.ts";
import type { PackFlags } from "./pack.ts";
import type { SignFlags } from "./sign.ts";

const path = ["[path]", "the filter's source, or the folder with its assembly/index.ts or index.ts", "."] as const;

/** Adds the group `filter` to the command. */
export function addFilterCommands(program: Command): void {
  const filter = program.command("filter").description("make, build, run and publish a filter of your own");

  filter
    .command("new")
    .description("make a new project: a filter, its test, and an Envoy configuration that runs it")
    .argument("<name>", "lower-case letters, digits and dashes, such as my-filter")
    .option("--dir <folder>", "where it goes; a folder of the filter's name when left out")
    .action((name: string, flags: { dir?: string }) =>
      orFail(async () => (await import("./new.ts")).create(name, flags)),
    );

  filter
    .command("build")
    .description("compile a filter, and check that Envoy would load it")
    .argument(...path)
    .option("--debug", "keep checks, names with file and line, and a source map", false)
    .option("--out <file>", "where the module goes; build/NAME.wasm of the project when left out")
    .action((at: string, flags: BuildFlags) => orFail(async () => (await import("./build.ts")).build(at, flags)));

  filter
    .command("dev")
    .description("run a filter in a real Envoy, and swap it at each change of its source")
    .argument(...path)
    .addOption(
      new Option("--port <address>", "where Envoy takes requests")
        .argParser(parsePort)
        .default(parsePort("10000"), "127.0.0.1:10000"),
    )
    .option("--upstream <host:port>", "where they go; to a server that echoes them when left out", parsePort)
    .option("--config <file>", "the filter's configuration, JSON or YAML; config.json of the project when left out")
    .option("--root-id <id>", "the plugin's root id; the filter's name when left out")
    .addOption(
      new Option("--log-level <level>", "which of the filter's log lines are shown")
        .choices(["trace", "debug", "info", "warning", "error", "critical"])
        .default("info"),
    )
    .action((at: string, flags: DevFlags) => orFail(async () => (await import("./dev.ts")).dev(at, flags)));

  filter
    .command("inspect")
    .description("say what is in a module, how large its parts are, and whether Envoy would load it")
    .argument("<module>", "a .wasm file, of any SDK")
    .option("--json", "print it as JSON", false)
    .action((file: string, flags: { json: boolean }) =>
      orFail(async () => (await import("./inspect.ts")).inspect(file, flags)),
    );

  filter
    .command("pack")
    .description("put a module into an OCI image, as Istio and Envoy Gateway take them")
    .argument("<module>", "a .wasm file, of any SDK")
    .requiredOption("--tag <reference>", "its name in a registry: registry/repository:tag")
    .option("--out <path>", "write it as an OCI image layout: into a folder, or one file that ends in .tar")
    .option("--push", "push it to the registry, as whom docker login says", false)
    .option("--sign <file>", "also sign it in the registry, as cosign does, with this private key in PEM")
    .addOption(
      new Option("--variant <variant>", "compat: an ordinary image, which every registry takes; oci: an artifact")
        .choices(["compat", "oci"])
        .default("compat"),
    )
    .option("--root-id <id...>", "root ids of the plugins in it, for the description in an oci image", [])
    .action((file: string, flags: PackFlags) => orFail(async () => (await import("./pack.ts")).pack(file, flags)));

  filter
    .command("sign")
    .description("write the signature of a module, as cosign sign-blob does")
    .argument("<module>", "a .wasm file")
    .requiredOption("--key <file>", "a private key in PEM: EC on P-256, or Ed25519")
    .option("--out <file>", "where it goes; the module's name with .sig when left out")
    .action((file: string, flags: SignFlags) => orFail(async () => (await import("./sign.ts")).sign(file, flags)));
}

function parsePort(text: string): ReturnType<typeof parseHostPort> {
  const at = parseHostPort(text);
  if (at.port === 0) throw new InvalidArgumentError("expected a port from 1 to 65535");
  return at;
}
