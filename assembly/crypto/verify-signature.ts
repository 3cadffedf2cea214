// Signatures by the host (Envoy's foreign function `verify_signature`).

import { Status } from "../abi/enums";
import { Bytes } from "../bytes";
import { ProtobufReader, ProtobufWriter, WireType } from "../encoding/protobuf";
import { callForeignFunction, foreignResult } from "../foreign";

/** What `verifySignature` found. */
export enum SignatureVerdict {
  Valid,
  /** The signature is not one of this text by this key, or the host cannot use the key. */
  Invalid,
  /** The host did not check: it has no such function, or its answer makes no sense. */
  HostError,
}

// Fields of envoy.source.extensions.common.wasm.VerifySignatureArguments and VerifySignatureResult.
// @ts-ignore: decorator
@inline const ARGUMENT_HASH: u32 = 1;
// @ts-ignore: decorator
@inline const ARGUMENT_PUBLIC_KEY: u32 = 2;
// @ts-ignore: decorator
@inline const ARGUMENT_SIGNATURE: u32 = 3;
// @ts-ignore: decorator
@inline const ARGUMENT_TEXT: u32 = 4;
// @ts-ignore: decorator
@inline const RESULT_RESULT: u32 = 1;

/**
 * Has the host verify a signature: RSA PKCS #1 v1.5, or ECDSA in DER on P-256, P-384 and P-521. Envoy can neither verify
 * RSA-PSS nor Ed25519 this way, and takes RSA keys of any size: a caller refuses short ones itself.
 * @param hash `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
 * @param publicKey SubjectPublicKeyInfo in DER; see `rsaPublicKey` and `p256PublicKey`.
 * @param signature For ECDSA see `ecdsaSignature`.
 */
export function verifySignature(hash: string, publicKey: Bytes, signature: Bytes, text: Bytes): SignatureVerdict {
  const size = publicKey.size + signature.size + text.size + 64;
  const argument = ProtobufWriter.create(size)
    .string(ARGUMENT_HASH, hash)
    .bytes(ARGUMENT_PUBLIC_KEY, publicKey)
    .bytes(ARGUMENT_SIGNATURE, signature)
    .bytes(ARGUMENT_TEXT, text).message;
  if (callForeignFunction("verify_signature", argument) != Status.Ok) return SignatureVerdict.HostError;
  const reader = ProtobufReader.of(foreignResult);
  let valid = false;
  while (reader.next()) {
    if (reader.field == RESULT_RESULT && reader.wireType == WireType.Varint) valid = reader.number != 0;
  }
  if (reader.malformed) return SignatureVerdict.HostError;
  return valid ? SignatureVerdict.Valid : SignatureVerdict.Invalid;
}

/** Whether the host has `verify_signature`. */
export function canVerifySignatures(): bool {
  // Without a key the function answers BadArgument; a host that lacks it, NotFound.
  return callForeignFunction("verify_signature") != Status.NotFound;
}
