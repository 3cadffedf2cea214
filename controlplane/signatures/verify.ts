import { createHash, verify } from "node:crypto";
import type { TrustedKey } from "./keys.ts";

/** A signature that is not good, or of none of the keys. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/**
 * Verifies a detached signature: of minisign, or base64 as `cosign sign-blob` writes it.
 * @returns the key that made it.
 * @throws SignatureError
 */
export function verifyDetached(bytes: Uint8Array, signature: string, keys: readonly TrustedKey[]): TrustedKey {
  return /^\s*untrusted comment:/.test(signature)
    ? verifyMinisign(bytes, signature, keys)
    : verifyPlain(bytes, signature, keys);
}

/** A signature over the bytes alone, in base64: ECDSA and RSA over their SHA-256, Ed25519 over themselves. */
export function verifyPlain(bytes: Uint8Array, signature: string, keys: readonly TrustedKey[]): TrustedKey {
  const text = signature.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    throw new SignatureError("expected a signature of minisign, or one in base64");
  const decoded = Buffer.from(text, "base64");
  const candidates = keys.filter(({ minisignId }) => minisignId === undefined);
  const found = candidates.find(({ key }) => {
    try {
      return verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, key, decoded);
    } catch {
      // No signature of this kind of key.
      return false;
    }
  });
  if (found !== undefined) return found;
  throw new SignatureError(`the signature is not one of ${namesOf(candidates)}`);
}

/**
 * minisign's format: a comment, the signature, a comment that is signed as well, and the signature over both. `ED` signs the BLAKE2b-512
 * of the bytes, the older `Ed` the bytes themselves.
 */
function verifyMinisign(bytes: Uint8Array, text: string, keys: readonly TrustedKey[]): TrustedKey {
  const [, first = "", comment = "", second = ""] = text.trim().split(/\r?\n/);
  const signed = Buffer.from(first, "base64");
  const global = Buffer.from(second, "base64");
  const prefix = "trusted comment: ";
  if (signed.length !== 74 || global.length !== 64 || !comment.startsWith(prefix)) {
    throw new SignatureError("the signature of minisign is not whole: expected four lines");
  }
  const algorithm = signed.subarray(0, 2).toString("latin1");
  if (algorithm !== "ED" && algorithm !== "Ed")
    throw new SignatureError("the signature of minisign is of no known kind");
  const id = signed.subarray(2, 10);
  const found = keys.find(({ minisignId }) => minisignId?.equals(id) === true);
  if (found === undefined) {
    throw new SignatureError(
      `the signature is of the key ${idText(id)} of minisign, which is none of ${namesOf(keys)}`,
    );
  }
  const message = algorithm === "ED" ? createHash("blake2b512").update(bytes).digest() : bytes;
  const signature = signed.subarray(10);
  const isGood =
    verify(null, message, found.key, signature) &&
    verify(null, Buffer.concat([signature, Buffer.from(comment.slice(prefix.length))]), found.key, global);
  if (isGood) return found;
  throw new SignatureError(`the signature names the key ${found.name}, and is not one of this module by it`);
}

/** As minisign shows it: the bytes the other way round. */
function idText(id: Buffer): string {
  return Buffer.from(id).reverse().toString("hex").toUpperCase();
}

export function namesOf(keys: readonly TrustedKey[]): string {
  return keys.length === 0
    ? "the keys, of which none is of this kind"
    : `the keys ${keys.map(({ name }) => name).join(", ")}`;
}
