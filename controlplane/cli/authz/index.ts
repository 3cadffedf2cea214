// The commands `meshwright authz`: what a configuration of the filter authz makes of requests.
import { InvalidArgumentError, Option, type Command } from "commander";
import type { JsonObject } from "../../model/index.ts";
import type { ExplainFlags } from "./explain.ts";
import { orFail } from "../fail.ts";
import { addRequestOptions, collect } from "../request-flags.ts";
import type { HashFlags } from "./hash.ts";
import type { TestFlags } from "./test.ts";

const MODULE = ["--module <file>", "authz.wasm; that of the mesh, or build/authz.wasm, when left out"] as const;
const JWKS = "keys that a cluster would answer with, CLUSTER=FILE; can be repeated";

/** Adds the group `authz` to the command. */
export function addAuthzCommands(program: Command): void {
  const authz = program.command("authz").description("ask the filter authz what it makes of requests, and why");

  const explaining = authz
    .command("explain")
    .description("say which rule decides on a request and why; exit status 0 allowed, 1 denied, 3 undecided, 2 a fault")
    .argument("<configuration>", "file with the filter's configuration, or a mesh's folder with a FilterPolicy")
    .option("--requests <file>", "requests in YAML or JSON, in place of the options that make one");
  addRequestOptions(explaining)
    .option("--api-key <name>", "with a key of this name, made and accepted for this request")
    .option("--token <provider>", "with a token of this JWT provider, made and accepted for this request")
    .option("--claims <json>", "its claims, over iss, aud, iat and exp", parseObject)
    .option("--user <name>", "as this Basic user, with a password made for this request")
    .addOption(
      new Option("--external <answer>", "what an external authorizer answers").choices([
        "allow",
        "deny",
        "unavailable",
      ]),
    )
    .option("--policy <name>", "the FilterPolicy, where there are several")
    .option("--jwks <file>", JWKS, collect, [])
    .option(...MODULE)
    .option("--json", "print it as JSON", false)
    .action((configuration: string, flags: ExplainFlags) =>
      orFail(async () => (await import("./explain.ts")).explain(configuration, flags)),
    );

  authz
    .command("test")
    .description("check files of requests with the decisions that are expected; exit status 1 if one is another")
    .argument("<file...>", "YAML or JSON; the field configuration of each says what is tested")
    .option("--configuration <path>", "file or folder to test in place of what the files name")
    .option("--policy <name>", "the FilterPolicy, where there are several")
    .option("--jwks <file>", JWKS, collect, [])
    .option(...MODULE)
    .option("--json", "print it as JSON", false)
    .action((files: string[], flags: TestFlags) =>
      orFail(async () => (await import("./test.ts")).testTables(files, flags)),
    );

  authz
    .command("hash")
    .description("print the entry of a configuration for an API key or a user; the new secret goes to standard error")
    .option("--api-key <name>", "for apiKeys.keys")
    .option("--user <name>", "for basic.users")
    .option("--iterations <count>", "what basic.iterations is", parseIterations, 1000)
    .option("--stdin", "take the secret from the first line of standard input, and make none", false)
    .action((flags: HashFlags) => orFail(async () => (await import("./hash.ts")).hash(flags)));
}

function parseIterations(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000) throw new InvalidArgumentError("expected 1 to 10000");
  return value;
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('expected an object in JSON, such as {"sub":"alice"}');
  }
  return value as JsonObject;
}
