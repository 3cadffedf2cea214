import { constants, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { Status } from "../abi/enums.ts";
import type { ForeignFunction } from "./registry.ts";
import { encodeFields, Fields } from "./protobuf.ts";

const HASHES: ReadonlySet<string> = new Set(["sha1", "sha224", "sha256", "sha384", "sha512"]);

/** The curves that Envoy's BoringSSL knows. */
const CURVES: ReadonlySet<string> = new Set(["secp224r1", "prime256v1", "secp384r1", "secp521r1"]);

/**
 * Envoy's `verify_signature`: RSA with PKCS #1 v1.5, and ECDSA with a DER signature. RSA-PSS, Ed25519 and other curves
 * are answered by `result: false`, as a wrong signature and a key that cannot be read are.
 *
 * Argument: {1: hash function, 2: public key (DER, SPKI), 3: signature, 4: text, 5: public key (PEM)}; exactly one key.
 * Result: {1: result, 2: error}.
 */
export const verifySignature: ForeignFunction = (argument) => {
  const fields = Fields.parse(argument);
  const key = fields && chooseKey(fields.bytes(2), fields.bytes(5));
  if (fields === undefined || key === undefined) return { status: Status.BadArgument };
  const error = verifyError(fields.text(1), publicKey(key), fields.bytes(3), fields.bytes(4));
  return { status: Status.Ok, result: encodeFields({ 1: error === "", 2: error }) };
};

/**
 * Envoy's `sign`. Argument: {1: hash function, 2: private key (DER, PKCS #8), 3: text, 4: private key (PEM)}; exactly one
 * key. Result: {1: result, 2: signature, 3: error}.
 */
export const signText: ForeignFunction = (argument) => {
  const fields = Fields.parse(argument);
  const key = fields && chooseKey(fields.bytes(2), fields.bytes(4));
  if (fields === undefined || key === undefined) return { status: Status.BadArgument };
  const hash = fields.text(1).toLowerCase();
  if (!HASHES.has(hash)) return signFailure(`${fields.text(1)} is not supported.`);
  const object = readKey(() => privateKey(key));
  if (object === undefined || !usable(object))
    return signFailure("Invalid key type: private key required for signing operation.");
  const signature = sign(hash, fields.bytes(3), withPadding(object));
  return { status: Status.Ok, result: encodeFields({ 1: true, 2: signature }) };
};

function signFailure(error: string): ReturnType<ForeignFunction> {
  return { status: Status.Ok, result: encodeFields({ 1: false, 3: error }) };
}

interface EncodedKey {
  readonly format: "der" | "pem";
  readonly key: Buffer;
}

function chooseKey(der: Uint8Array, pem: Uint8Array): EncodedKey | undefined {
  if (der.length > 0 === pem.length > 0) return undefined;
  return der.length > 0 ? { format: "der", key: Buffer.from(der) } : { format: "pem", key: Buffer.from(pem) };
}

/** The empty string, or Envoy's words for what is wrong. */
function verifyError(hashName: string, key: KeyObject | undefined, signature: Uint8Array, text: Uint8Array): string {
  const hash = hashName.toLowerCase();
  if (!HASHES.has(hash)) return `${hashName} is not supported.`;
  if (key === undefined || !usable(key)) return "Failed to initialize digest verify.";
  return verify(hash, text, withPadding(key), signature) ? "" : "Failed to verify digest. Error code: 0";
}

function publicKey({ format, key }: EncodedKey): KeyObject | undefined {
  if (format === "der") return readKey(() => createPublicKey({ key, format, type: "spki" }));
  // Node would also take a certificate, a private key or a PKCS #1 key here; Envoy takes none of them.
  if (!key.includes("-----BEGIN PUBLIC KEY-----")) return undefined;
  return readKey(() => createPublicKey({ key, format }));
}

function privateKey({ format, key }: EncodedKey): KeyObject {
  return format === "der" ? createPrivateKey({ key, format, type: "pkcs8" }) : createPrivateKey({ key, format });
}

function readKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function usable(key: KeyObject): boolean {
  if (key.asymmetricKeyType === "rsa") return true;
  return key.asymmetricKeyType === "ec" && CURVES.has(key.asymmetricKeyDetails?.namedCurve ?? "");
}

function withPadding(key: KeyObject): KeyObject | { key: KeyObject; padding: number } {
  return key.asymmetricKeyType === "rsa" ? { key, padding: constants.RSA_PKCS1_PADDING } : key;
}
