// A signature in compact serialization (RFC 7515, section 7.1).

import { Bytes, JsonKind, JsonValue, decodeBase64Url, parseJson } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm, algorithmOf } from "./keys/algorithm";

/** A longer token is refused unread. */
export const MAX_TOKEN_SIZE: i32 = 8192;

// @ts-ignore: decorator
@inline const DOT: u8 = 0x2e;

/** What a header says. */
@final
class JwsHeader {
  constructor(
    readonly algorithm: Algorithm,
    readonly keyId: string | null,
    readonly type: string | null,
  ) {}
}

/** The last good header as it stood in its token, and read: tokens of one issuer mostly have the same, to the letter. */
let lastText: Uint8Array = new Uint8Array(0);
let lastHeader: JwsHeader | null = null;

/** A token that is well formed; nothing of it is verified. The views are into the token. */
export class Jws {
  constructor(
    readonly algorithm: Algorithm,
    /** Null when the token names no key. */
    readonly keyId: string | null,
    /** `typ`; null when the token names none. */
    readonly type: string | null,
    /** The payload as it stands in the token, in base64url. */
    readonly payload: Bytes,
    /** And decoded. */
    readonly content: Bytes,
    /** What the signature is of. */
    readonly signed: Bytes,
    readonly signature: Bytes,
  ) {}
}

/**
 * Reads a token. Null when it is malformed: not exactly three parts of canonical base64url; a header that is no JSON object or
 * names a member twice; no `alg`; a `crit`, since no extension is understood (RFC 7515, section 4.1.11), which includes `b64`.
 * Keys that a token brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
 */
export function parseJws(token: Bytes): Jws | null {
  if (token.size > MAX_TOKEN_SIZE) return null;
  const first = token.indexOf(DOT);
  if (first < 0) return null;
  const second = token.indexOf(DOT, first + 1);
  if (second < 0 || token.indexOf(DOT, second + 1) >= 0) return null;

  const header = readHeader(token.slice(0, first));
  if (header === null) return null;
  const content = decodeBase64Url(token.slice(first + 1, second));
  const signature = decodeBase64Url(token.slice(second + 1));
  if (content === null || signature === null) return null;
  return new Jws(
    header.algorithm,
    header.keyId,
    header.type,
    token.slice(first + 1, second),
    content,
    token.slice(0, second),
    signature,
  );
}

function readHeader(text: Bytes): JwsHeader | null {
  if (lastHeader !== null && text.equals(Bytes.of(lastText))) return lastHeader;
  const json = decodeBase64Url(text);
  const header: JsonValue | null = json === null ? null : parseObject(json);
  if (header === null) return null;
  const algorithm = header.member("alg");
  if (algorithm === null || algorithm.kind != JsonKind.String) return null;
  const keyId = header.member("kid");
  if (keyId !== null && keyId.kind != JsonKind.String) return null;
  const type = header.member("typ");
  if (type !== null && type.kind != JsonKind.String) return null;
  if (header.member("crit") !== null || header.member("b64") !== null) return null;
  lastHeader = new JwsHeader(
    algorithmOf(algorithm.text),
    keyId === null ? null : keyId.text,
    type === null ? null : type.text,
  );
  lastText = text.copy();
  return lastHeader;
}

/** Null for what is no JSON object. */
export function parseObject(json: Bytes): JsonValue | null {
  const value = parseJson(json);
  return value !== null && value.kind == JsonKind.Object ? value : null;
}
