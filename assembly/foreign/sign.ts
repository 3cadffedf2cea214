// Signatures made by the host (Envoy's foreign function `sign`; `verifySignature` is its counterpart).

import { Status } from "../abi/enums";
import { Bytes } from "../bytes";
import { ProtobufReader, ProtobufWriter, WireType } from "../encoding/protobuf";
import { callForeignFunction, foreignResult } from "./call";

// Fields of envoy.source.extensions.common.wasm.SignArguments and SignResult.
// @ts-ignore: decorator
@inline const ARGUMENT_HASH: u32 = 1;
// @ts-ignore: decorator
@inline const ARGUMENT_PRIVATE_KEY: u32 = 2;
// @ts-ignore: decorator
@inline const ARGUMENT_TEXT: u32 = 3;
// @ts-ignore: decorator
@inline const RESULT_RESULT: u32 = 1;
// @ts-ignore: decorator
@inline const RESULT_SIGNATURE: u32 = 2;

/**
 * Has the host sign a text: RSA PKCS #1 v1.5, or ECDSA with the signature in DER.
 * Null when it cannot: `foreignStatus` is `NotFound` for a host without the function, `BadArgument` without a key, and `Ok` for a key
 * that it cannot read or a hash that it does not know.
 * @param hash `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
 * @param privateKey PKCS #8 in DER.
 */
export function sign(hash: string, privateKey: Bytes, text: Bytes): Bytes | null {
  const argument = ProtobufWriter.create(privateKey.size + text.size + 64)
    .string(ARGUMENT_HASH, hash)
    .bytes(ARGUMENT_PRIVATE_KEY, privateKey)
    .bytes(ARGUMENT_TEXT, text).message;
  if (callForeignFunction("sign", argument) != Status.Ok) return null;
  const reader = ProtobufReader.of(foreignResult);
  let signed = false;
  let signature: Bytes | null = null;
  while (reader.next()) {
    if (reader.field == RESULT_RESULT && reader.wireType == WireType.Varint) signed = reader.number != 0;
    if (reader.field == RESULT_SIGNATURE && reader.wireType == WireType.Len) {
      signature = Bytes.at(reader.content.pointer, reader.content.size);
    }
  }
  return signed && !reader.malformed ? signature : null;
}

/** Whether the host has `sign`. */
export function canSign(): bool {
  // Without a key the function answers BadArgument; a host that lacks it, NotFound.
  return callForeignFunction("sign") != Status.NotFound;
}
