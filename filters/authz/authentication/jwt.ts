// The form of a token: a JWS whose payload is a claims set (RFC 7519).

import { Bytes, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { Jws, parseJws, parseObject } from "./jws";

/** A token that is well formed; nothing of it is verified. */
@final
export class Jwt extends Jws {
  constructor(
    jws: Jws,
    readonly claims: JsonValue,
  ) {
    super(jws.algorithm, jws.keyId, jws.type, jws.payload, jws.content, jws.signed, jws.signature);
  }
}

/** Reads a token. Null when it is no JWS, or its claims are no JSON object or name a member twice. */
export function parseJwt(token: Bytes): Jwt | null {
  const jws = parseJws(token);
  if (jws === null) return null;
  const claims = parseObject(jws.content);
  return claims === null ? null : new Jwt(jws, claims);
}
