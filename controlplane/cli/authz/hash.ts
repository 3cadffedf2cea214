import { createHash, pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { InputError } from "../../explain/index.ts";

export interface HashFlags {
  readonly user?: string;
  readonly apiKey?: string;
  readonly iterations: number;
  readonly stdin: boolean;
}

/** `meshwright authz hash`: the entry of a configuration for a secret, which is made here unless it is on standard input. */
export function hash(flags: HashFlags): void {
  const { user, apiKey, iterations } = flags;
  if ((user === undefined) === (apiKey === undefined)) throw new InputError("give either --user or --api-key");
  const secret = flags.stdin ? firstLine(readFileSync(0, "utf8")) : randomBytes(24).toString("base64url");
  if (secret === "") throw new InputError("standard input has no secret in its first line");
  const entry = user === undefined ? { name: apiKey, sha256: sha256(secret) } : userOf(user, secret, iterations);
  // Apart, so that the entry can go into a file and the secret into a store of secrets.
  if (!flags.stdin) process.stderr.write(`${secret}\n`);
  process.stdout.write(`${JSON.stringify(entry, null, 2)}\n`);
}

function userOf(name: string, password: string, iterations: number): object {
  const salt = randomBytes(16);
  const key = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  return { name, salt: salt.toString("hex"), hash: key.toString("hex") };
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? "";
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
