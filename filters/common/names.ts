// Names that a configuration may give.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

/** The longest name of a limit, an experiment or a variant. */
// @ts-ignore: decorator
@inline const MAX_NAME: i32 = 64;

/** A field that names a thing: it becomes part of a metric, of a header and of a key, so only plain characters are allowed. */
export function plainName(object: ConfigObject, field: string): string {
  const name = object.string(field);
  if (name.length && !isPlainName(name)) object.error(field, "1 to 64 of the characters A-Z a-z 0-9 _ -");
  return name;
}

export function isPlainName(name: string): bool {
  if (name.length == 0 || name.length > MAX_NAME) return false;
  for (let i = 0; i < name.length; ++i) {
    const code = name.charCodeAt(i);
    if (!isAlphanumeric(code) && code != 0x5f && code != 0x2d) return false;
  }
  return true;
}

/** A field that names a header to read, in lower case; a pseudo-header such as `:authority` is one too. */
export function headerName(object: ConfigObject, field: string): string {
  const name = object.string(field);
  if (name.length && !isHeaderName(name.charCodeAt(0) == 0x3a ? name.substring(1) : name)) {
    object.error(field, "the name of a header");
  }
  return name.toLowerCase();
}

/** A field that names a header to write, in lower case: none that HTTP or Envoy itself needs. */
export function ownHeaderName(object: ConfigObject, field: string): string {
  const name = object.string(field).toLowerCase();
  if (name.length && (!isHeaderName(name) || RESERVED.includes(name))) {
    object.error(field, "the name of a header that a filter may set");
  }
  return name;
}

const RESERVED: string[] = ["host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer"];

/** Whether HTTP or Envoy itself needs the header of this name, in lower case. */
export function isReservedName(name: string): bool {
  return RESERVED.includes(name);
}

/** RFC 9110, section 5.6.2: a token. */
export function isHeaderName(name: string): bool {
  if (name.length == 0) return false;
  for (let i = 0; i < name.length; ++i) {
    const code = name.charCodeAt(i);
    if (!isAlphanumeric(code) && !"!#$%&'*+-.^_`|~".includes(String.fromCharCode(code))) return false;
  }
  return true;
}

function isAlphanumeric(code: i32): bool {
  return <u32>((code | 0x20) - 0x61) < 26 || <u32>(code - 0x30) < 10;
}
