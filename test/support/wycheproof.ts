import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A file of Project Wycheproof's vectors, as far as it is read here. */
export interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}

export interface Group {
  readonly publicKey?: { readonly modulus?: string; readonly publicExponent?: string };
  readonly publicKeyDer?: string;
  readonly sha?: string;
  readonly mgfSha?: string;
  readonly sLen?: number;
  readonly keySize?: number;
  readonly tagSize?: number;
  /** A JWK or a set of them, in the files on JOSE; secrets are private only. */
  readonly public?: object;
  readonly private?: object;
  readonly tests: readonly Case[];
}

export interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
  readonly msg?: string;
  readonly sig?: string;
  readonly key?: string;
  readonly tag?: string;
  readonly jws?: string | object;
}

export function readVectors(folder: string, name: string): Vectors {
  return JSON.parse(readFileSync(join(folder, `${name}_test.json`), "utf8")) as Vectors;
}

/** The public key of a group as a JWK. */
export function jwkOf(group: Group): object {
  const { modulus, publicExponent } = group.publicKey ?? {};
  if (modulus !== undefined && publicExponent !== undefined) {
    return { kty: "RSA", n: unsigned(modulus), e: unsigned(publicExponent) };
  }
  const key = createPublicKey({ key: Buffer.from(group.publicKeyDer ?? "", "hex"), format: "der", type: "spki" });
  return key.export({ format: "jwk" });
}

export const base64url = (hex = ""): string => Buffer.from(hex, "hex").toString("base64url");

/** Without the zero that DER has before a number whose first bit is set. */
const unsigned = (hex: string): string => base64url(hex.replace(/^(00)+/, ""));
