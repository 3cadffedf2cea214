import { readFile } from "node:fs/promises";
import { InputError } from "../explain/index.ts";

/** @throws InputError if a file cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads `CLUSTER=FILE` into what each cluster answers. */
export async function readAnswers(flags: readonly string[]): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  for (const flag of flags) {
    const at = flag.indexOf("=");
    if (at < 1) throw new InputError(`--jwks: expected CLUSTER=FILE, found "${flag}"`);
    answers.set(flag.slice(0, at), await readText(flag.slice(at + 1)));
  }
  return answers;
}
