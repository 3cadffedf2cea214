// Another host or path for the upstream.

import { Bytes, ConfigObject, HeaderName, requestHeaders } from "proxy-wasm-assemblyscript-sdk";

const AUTHORITY: HeaderName = new HeaderName(":authority");
const PATH: HeaderName = new HeaderName(":path");

/** `{ "host", "replaceFullPath" }` or `{ "host", "prefix", "replacePrefixMatch" }`, as the Gateway API's URLRewrite has it. */
@final
export class Rewrite {
  private host: Uint8Array | null = null;
  private fullPath: Uint8Array | null = null;
  private prefix: Uint8Array | null = null;
  private replacement: Uint8Array;

  constructor(object: ConfigObject) {
    if (object.has("host")) this.host = readText(object, "host", "");
    if (object.has("replaceFullPath")) this.fullPath = readText(object, "replaceFullPath", "/");
    // A slash at the end says nothing: prefixes end where an element of the path does.
    if (object.has("prefix")) this.prefix = withoutSlash(readText(object, "prefix", "/"));
    this.replacement = withoutSlash(readText(object, "replacePrefixMatch", "/", object.has("prefix")));
    if (object.has("replacePrefixMatch") && !object.has("prefix"))
      object.error("prefix", "the prefix that is replaced");
    if (this.fullPath !== null && this.prefix !== null) object.error("prefix", "no replaceFullPath beside it");
    if (this.host === null && this.fullPath === null && this.prefix === null) {
      object.error("host", "host, replaceFullPath or prefix");
    }
  }

  apply(): void {
    const host = this.host;
    if (host !== null) requestHeaders.setBytes(AUTHORITY, Bytes.of(host));
    const target = requestHeaders.find(PATH);
    if (target === null) return;
    const end = pathEnd(target);
    const fullPath = this.fullPath;
    if (fullPath !== null) {
      requestHeaders.setBytes(PATH, Bytes.concat(Bytes.of(fullPath), target.slice(end)));
      return;
    }
    const prefix = this.prefix;
    if (prefix === null || !hasPrefix(target.slice(0, end), Bytes.of(prefix))) return;
    const rest = target.slice(prefix.length);
    const isRoot = this.replacement.length == 0 && (rest.size == 0 || rest[0] != SLASH);
    requestHeaders.setBytes(PATH, Bytes.concat(isRoot ? Bytes.utf8("/") : Bytes.of(this.replacement), rest));
  }
}

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;

function readText(object: ConfigObject, field: string, start: string, isRequired: bool = true): Uint8Array {
  const text = isRequired ? object.string(field) : object.stringOr(field, start);
  let isPlain = text.startsWith(start) && text.length > 0;
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    isPlain = isPlain && code > 0x20 && code < 0x7f && code != 0x3f && code != 0x23;
  }
  if (!isPlain) object.error(field, start.length ? "a path that begins with a slash, without query" : "a host");
  return Bytes.utf8(text).copy();
}

function withoutSlash(path: Uint8Array): Uint8Array {
  const last = path.length - 1;
  return last >= 0 && path[last] == SLASH ? path.slice(0, last) : path;
}

/** Where the query begins, or the target ends. */
function pathEnd(target: Bytes): i32 {
  const query = target.indexOf(0x3f);
  return query < 0 ? target.size : query;
}

/** Whether a path has whole elements in front. */
function hasPrefix(path: Bytes, prefix: Bytes): bool {
  if (path.size < prefix.size || !path.slice(0, prefix.size).equals(prefix)) return false;
  return path.size == prefix.size || path[prefix.size] == SLASH;
}
