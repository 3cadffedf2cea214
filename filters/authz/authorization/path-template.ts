// Templates of paths: `/users/{id}/files/{**}`.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

const EXPECTED: string =
  'a path whose segments are text without %, ?, #, ; and backslash, or one of "{name}", "{*}" and "{**}" as a whole, "{**}" once';

/**
 * The regular expression for a template: `{name}` and `{*}` are one segment that is not empty, and `{**}` is any number of segments.
 * As in Envoy, `/a/{**}` is `/a/` and what is below it, not `/a`; between segments, `{**}` can be none.
 */
export function patternOf(object: ConfigObject, field: string, template: string): string {
  let pattern = "";
  let isGood = template.startsWith("/");
  const segments = template.split("/");
  let rest = 0;
  for (let i = 1; i < segments.length; ++i) {
    const segment = segments[i];
    const isLast = i == segments.length - 1;
    if (segment == "{**}") {
      ++rest;
      pattern += isLast ? "/.*" : "(/.*)?";
    } else if (segment.startsWith("{") && segment.endsWith("}")) {
      const name = segment.substring(1, segment.length - 1);
      isGood = isGood && (name == "*" || isVariable(name));
      pattern += "/[^/]+";
    } else {
      const isEmpty = segment.length == 0 && !(isLast && i > 1);
      if (isEmpty || segment == "." || segment == ".." || !isLiteral(segment)) isGood = false;
      pattern += "/" + quoted(segment);
    }
  }
  if (isGood && rest <= 1) return pattern;
  object.error(field, EXPECTED);
  return "";
}

function isVariable(name: string): bool {
  for (let i = 0; i < name.length; ++i) {
    const code = name.charCodeAt(i);
    if (<u32>((code | 0x20) - 0x61) >= 26 && <u32>(code - 0x30) >= 10 && code != 0x5f) return false;
  }
  return name.length > 0;
}

function isLiteral(segment: string): bool {
  for (let i = 0; i < segment.length; ++i) {
    const code = segment.charCodeAt(i);
    if (code < 0x20 || code == 0x7f || "%?#;\\{}*".includes(String.fromCharCode(code))) return false;
  }
  return true;
}

function quoted(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    const isPlain = code >= 0x80 || <u32>((code | 0x20) - 0x61) < 26 || <u32>(code - 0x30) < 10;
    out += isPlain ? text.charAt(i) : "\\" + text.charAt(i);
  }
  return out;
}
