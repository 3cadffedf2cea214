// Templates of paths as regular expressions.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { PathTemplate, TEMPLATE_FORM } from "../../common/path-template";

/** The regular expression for a template (see `PathTemplate`). */
export function patternOf(object: ConfigObject, field: string, template: string): string {
  if (PathTemplate.parse(template) === null) {
    object.error(field, TEMPLATE_FORM);
    return "";
  }
  let pattern = "";
  const segments = template.split("/");
  for (let i = 1; i < segments.length; ++i) {
    const segment = segments[i];
    if (segment == "{**}") pattern += i == segments.length - 1 ? "/.*" : "(/.*)?";
    else pattern += "/" + (segment.startsWith("{") ? "[^/]+" : quoted(segment));
  }
  return pattern;
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
