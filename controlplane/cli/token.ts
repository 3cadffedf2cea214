import { InvalidArgumentError, Option, type Command } from "commander";
import { InputError } from "../explain/input-error.ts";
import { roles, type Role } from "../security/identity.ts";
import { TokenStore } from "../security/tokens.ts";
import { orFail } from "./fail.ts";
import { parseLifetime, stateOption } from "./options.ts";
import { printReport } from "./print-report.ts";
import { table } from "./print-table.ts";

const state = (): Option => stateOption("the control plane's folder, where hashes of tokens are kept");

/** Adds the group `token`. It works on the folder of the control plane, which follows at once. */
export function addTokenCommands(program: Command): void {
  const token = program.command("token").description("make, list and revoke tokens of the API");
  token
    .command("create")
    .description("make a token and print it; it is stored nowhere, so it cannot be shown again")
    .argument("<name>", "who or what will use it", parseName)
    .addOption(
      new Option("--role <role>", "what it may do: viewer reads, operator also changes and rolls out, admin everything")
        .choices([...roles])
        .default("viewer"),
    )
    .option("--valid-for <time>", "how long, such as 12h or 90d", parseLifetime, parseLifetime("90d"))
    .addOption(state())
    .action((name: string, flags: { role: Role; validFor: number; state: string }) => {
      const { text, record } = new TokenStore(flags.state).create({
        name,
        role: flags.role,
        lifetimeMs: flags.validFor,
      });
      process.stdout.write(`${text}\n`);
      process.stderr.write(`token ${record.id}, ${record.role}, until ${record.expiresAt ?? "revoked"}\n`);
    });
  token
    .command("list")
    .description("list the tokens")
    .addOption(state())
    .option("--json", "print them as JSON", false)
    .action((flags: { state: string; json: boolean }) => {
      const shown = new TokenStore(flags.state).list().map(({ id, name, role, createdAt, expiresAt }) => ({
        id,
        name,
        role,
        createdAt,
        expiresAt: expiresAt ?? null,
      }));
      const rows = shown.map((one) => [one.id, one.name, one.role, one.createdAt, one.expiresAt ?? "never"]);
      printReport(flags.json, shown, () => table([["ID", "NAME", "ROLE", "CREATED", "EXPIRES"], ...rows]));
    });
  token
    .command("revoke")
    .description("take a token back; requests with it are refused from now on")
    .argument("<id>", "as `token list` shows it")
    .addOption(state())
    .action((id: string, flags: { state: string }) =>
      orFail(() => {
        if (!new TokenStore(flags.state).revoke(id)) throw new InputError(`there is no token ${id} in ${flags.state}`);
      }),
    );
}

function parseName(text: string): string {
  if (/^[\w.@ -]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected up to 64 letters, digits, spaces, "_", ".", "@" and "-"');
}
