import { rename, rm, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { InputError } from "../explain/index.ts";
import { addConnectionOptions, download, NoAnswerError, type Connection } from "./ask.ts";
import { orFail } from "./fail.ts";

/** How long a copy may take. */
const TIMEOUT_MS = 10 * 60_000;

/** Adds `meshwright backup`. */
export function addBackupCommand(program: Command): void {
  addConnectionOptions(program.command("backup"))
    .description("copy the applied resources of a running control plane, with their history, into a file")
    .argument("<file>", "is replaced when it is there")
    .action((file: string, connection: Connection) => orFail(() => backup(file, connection)));
}

async function backup(file: string, connection: Connection): Promise<void> {
  // Beside it first: what is there already stays as it is until the copy is whole.
  const scratch = `${file}.${String(process.pid)}`;
  try {
    const copy = await download(connection, "/api/v1/backup", { timeoutMs: TIMEOUT_MS });
    await writeFile(scratch, copy, { mode: 0o600, flush: true });
    await rename(scratch, file);
    process.stdout.write(`${file}: ${String(copy.length)} bytes\n`);
  } catch (error) {
    await rm(scratch, { force: true });
    if (error instanceof NoAnswerError) throw new InputError(error.message);
    throw new InputError(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
