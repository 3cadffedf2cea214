import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRole, type Role } from "./identity.ts";

/** What is kept of a token: enough to know it again, and nothing that it could be made from. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; it never ends when left out. */
  readonly expiresAt?: string;
  /** SHA-256 of the secret, in hex. The secret has 256 random bits, so a slow hash would guard nothing. */
  readonly sha256: string;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** How long it is good for, in milliseconds. */
  readonly lifetimeMs?: number;
}

const tokenPattern = /^mw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const idPattern = /^[0-9a-f]{16}$/;

/** Tokens of the API, one file each, so that processes that make and revoke them need no lock, and a running server follows. */
export class TokenStore {
  readonly #folder: string;

  /** @param stateFolder need not be there until a token is made. */
  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, "tokens");
  }

  /** Makes a token. The text is in no other place, and cannot be had again. */
  create({ name, role, lifetimeMs }: NewToken): { readonly text: string; readonly record: TokenRecord } {
    const id = randomBytes(8).toString("hex");
    const secret = randomBytes(32).toString("base64url");
    const now = Date.now();
    const record: TokenRecord = {
      id,
      name,
      role,
      createdAt: new Date(now).toISOString(),
      ...(lifetimeMs === undefined ? {} : { expiresAt: new Date(now + lifetimeMs).toISOString() }),
      sha256: hashOf(secret).toString("hex"),
    };
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.#file(id), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600, flag: "wx" });
    return { text: `mw_${id}_${secret}`, record };
  }

  /** All tokens, the oldest first. */
  list(): TokenRecord[] {
    let files: string[];
    try {
      files = readdirSync(this.#folder);
    } catch {
      return [];
    }
    const records = files.flatMap((file) => this.#read(file.replace(/\.json$/, "")) ?? []);
    return records.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** Takes a token back, at once. @returns whether there was one. */
  revoke(id: string): boolean {
    if (this.#read(id) === undefined) return false;
    rmSync(this.#file(id), { force: true });
    return true;
  }

  /** The token of this text, if it is one and still good. */
  find(text: string): TokenRecord | undefined {
    const [, id = "", secret = ""] = tokenPattern.exec(text) ?? [];
    const record = this.#read(id);
    // Compared in the same time whether there is such a token or not, and whatever part of it is right.
    const isRight = timingSafeEqual(hashOf(secret), Buffer.from(record?.sha256 ?? noHash, "hex"));
    if (record === undefined || !isRight) return undefined;
    if (record.expiresAt !== undefined && !(Date.parse(record.expiresAt) > Date.now())) return undefined;
    return record;
  }

  #read(id: string): TokenRecord | undefined {
    if (!idPattern.test(id)) return undefined;
    try {
      const record = JSON.parse(readFileSync(this.#file(id), "utf8")) as Partial<TokenRecord>;
      const isGood =
        record.id === id &&
        typeof record.name === "string" &&
        isRole(String(record.role)) &&
        typeof record.createdAt === "string" &&
        ["undefined", "string"].includes(typeof record.expiresAt) &&
        /^[0-9a-f]{64}$/.test(String(record.sha256));
      return isGood ? (record as TokenRecord) : undefined;
    } catch {
      return undefined;
    }
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

const noHash = "00".repeat(32);
