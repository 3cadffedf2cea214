import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { FilterError } from "./filter-error.ts";
import { readModule } from "./read-module.ts";

/**
 * Reads a private key in PEM, without a passphrase: EC on P-256, as cosign has it, or Ed25519.
 * @throws FilterError
 */
export function readSigningKey(file: string): KeyObject {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new FilterError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (/BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY/.test(text)) {
    throw new FilterError(
      `${file}: a key that cosign has encrypted; sign with cosign itself, or with a key of openssl`,
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // The error of the library may quote the key.
    throw new FilterError(`${file}: expected a private key in PEM without a passphrase`);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519" || (type === "ec" && details?.namedCurve === "prime256v1")) return key;
  throw new FilterError(`${file}: expected a key of EC on P-256, or Ed25519`);
}

/**
 * Writes the signature of a module into a file, in base64, as `cosign sign-blob` does.
 * @throws FilterError
 */
export function signFilter(file: string, keyFile: string, out: string): void {
  const key = readSigningKey(keyFile);
  const signature = sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", readModule(file), key);
  writeFileSync(out, `${signature.toString("base64")}\n`);
}
