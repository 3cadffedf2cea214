// The commands `meshwright ab`: what a configuration of the filter ab-routing makes of requests, and what came of it.
import { InvalidArgumentError, type Command } from "commander";
import type { HostPort } from "../../control/index.ts";
import { addConnectionOptions } from "../ask.ts";
import { orFail } from "../fail.ts";
import { parseHostPort } from "../parse-host-port.ts";
import { addRequestOptions, collect } from "../request-flags.ts";
import type { ExplainFlags } from "./explain.ts";
import type { SimulateFlags } from "./simulate.ts";
import type { StatusFlags } from "./status.ts";

const CONFIGURATION = [
  "<configuration>",
  "file with the filter's configuration, or a mesh's folder with a FilterPolicy",
] as const;
const POLICY = ["--policy <name>", "the FilterPolicy, where there are several"] as const;
const MODULE = [
  "--module <file>",
  "ab-routing.wasm; that of the mesh, or build/ab-routing.wasm, when left out",
] as const;
const PROPERTY = "what else Envoy knows of it, such as filter_state/wasm.authz.claim.tenant=acme; can be repeated";
/** About five seconds. */
const DEFAULT_KEYS = 100_000;

/** Adds the group `ab` to the command. */
export function addAbCommands(program: Command): void {
  const ab = program
    .command("ab")
    .description("ask the filter ab-routing who gets which variant, and how experiments stand");

  const explaining = ab
    .command("explain")
    .description("say which variant a request gets in each experiment and why, and what the upstream gets")
    .argument(...CONFIGURATION)
    .option(
      "--requests <file>",
      "requests in YAML or JSON, in place of the options that make one; exit status 1 if one is not as the file expects",
    );
  addRequestOptions(explaining)
    .option("--property <path=value>", PROPERTY, collect, [])
    .option(...POLICY)
    .option(...MODULE)
    .option("--json", "print it as JSON", false)
    .action((configuration: string, flags: ExplainFlags) =>
      orFail(async () => (await import("./explain.ts")).explain(configuration, flags)),
    );

  const simulating = ab
    .command("simulate")
    .description("send a request for each of many keys through the filter, and print how they are split")
    .argument(...CONFIGURATION)
    .option(
      "--keys <count>",
      "how many keys, 10,000,000 at most; a million takes about a minute",
      parseKeys,
      DEFAULT_KEYS,
    )
    .option(
      "--key-from <place>",
      "where requests have the key: header:NAME, cookie:NAME, property:PATH or clientAddress; can be repeated; wherever the configuration reads keys when left out",
      collect,
      [],
    )
    .option("--compare <configuration>", "also print how many keys have another variant than by this one");
  addRequestOptions(simulating)
    .option("--property <path=value>", PROPERTY, collect, [])
    .option(...POLICY)
    .option(...MODULE)
    .option("--json", "print it as JSON", false)
    .action((configuration: string, flags: SimulateFlags) =>
      orFail(async () => (await import("./simulate.ts")).simulate(configuration, flags)),
    );

  addConnectionOptions(ab.command("status"))
    .description(
      "compare the variants of measured experiments by what all sidecars told the control plane, or by the figures of some Envoys; exit status 1 on a sample ratio mismatch",
    )
    .argument("[configuration]", `with --admin: ${CONFIGURATION[1]}`)
    .option(
      "--admin <address>",
      "in place of the control plane: the admin interface of an Envoy; can be repeated, and is added up",
      collectAdmin,
    )
    .option(...POLICY)
    .option(...MODULE)
    .option("--json", "print it as JSON", false)
    .action((configuration: string | undefined, flags: StatusFlags) =>
      orFail(async () => (await import("./status.ts")).status(configuration, flags)),
    );
}

function collectAdmin(text: string, before: readonly HostPort[] = []): readonly HostPort[] {
  return [...before, parseHostPort(text)];
}

function parseKeys(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000_000) return value;
  throw new InvalidArgumentError("expected 1 to 10000000");
}
