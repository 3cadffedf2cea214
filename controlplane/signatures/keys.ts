import { createPublicKey, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";

/** A public key whose signatures are believed. */
export interface TrustedKey {
  /** The name of its file, without what comes after the last dot. */
  readonly name: string;
  readonly key: KeyObject;
  /** The id of a key of minisign, which its signatures name; absent for a key in PEM. */
  readonly minisignId?: Buffer;
}

/** A key, or a folder of keys, that cannot be used. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

const MINISIGN_ALGORITHM = "Ed";
const MIN_RSA_BITS = 2048;

/**
 * Reads a public key: in PEM, as cosign and openssl write it (EC on P-256, Ed25519, RSA), or of minisign.
 * @throws KeyError
 */
export function parseKey(name: string, text: string): TrustedKey {
  if (text.includes("-----BEGIN")) return { name, key: pemKey(name, text) };
  const line = text
    .split("\n")
    .map((one) => one.trim())
    .find((one) => one !== "" && !one.startsWith("untrusted comment:"));
  const bytes = Buffer.from(line ?? "", "base64");
  if (bytes.length !== 42 || bytes.subarray(0, 2).toString("latin1") !== MINISIGN_ALGORITHM) {
    throw new KeyError(`the key ${name}: expected a public key in PEM or of minisign`);
  }
  const x = bytes.subarray(10).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return { name, key, minisignId: bytes.subarray(2, 10) };
}

function pemKey(name: string, text: string): KeyObject {
  if (!text.includes("-----BEGIN PUBLIC KEY-----")) {
    throw new KeyError(`the key ${name}: expected "BEGIN PUBLIC KEY": neither a private key nor a certificate`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    throw new KeyError(`the key ${name}: it cannot be read as PEM`);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const isGood =
    type === "ed25519" ||
    (type === "ec" && details?.namedCurve === "prime256v1") ||
    (type === "rsa" && (details?.modulusLength ?? 0) >= MIN_RSA_BITS);
  if (isGood) return key;
  throw new KeyError(`the key ${name}: expected EC on P-256, Ed25519, or RSA of ${MIN_RSA_BITS} bits or more`);
}

/**
 * Reads the keys of a folder: all files whose names end in `.pub` or `.pem`.
 * @throws KeyError when one cannot be used, or there is none: then every module would be refused.
 */
export function readKeys(folder: string): readonly TrustedKey[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => !name.startsWith(".") && /\.(pub|pem)$/.test(name));
  } catch (error) {
    throw new KeyError(`cannot read the folder of keys: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (names.length === 0) throw new KeyError(`${folder}: expected public keys, in files that end in .pub or .pem`);
  const keys = names
    .sort()
    .map((name) => parseKey(basename(name, extname(name)), readFileSync(join(folder, name), "utf8")));
  const twice = keys.find(({ name }, i) => keys.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw new KeyError(`${folder}: two keys have the name ${twice.name}`);
  return keys;
}
