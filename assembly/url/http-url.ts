// URLs of HTTP services as a configuration gives them.

import { isIpv4, isIpv6 } from "./ip";

/** Why the last `HttpUrl.parse` gave null. */
export let urlError: string = "";

/**
 * An absolute URL with the scheme http or https (RFC 9110, section 4.2; RFC 3986). Stricter than a browser: what could be read in
 * two ways is refused, as are user names, fragments, and characters that a URL has escaped.
 */
@final
export class HttpUrl {
  private constructor(
    /** `http` or `https`. */
    readonly scheme: string,
    /** A name in lower case, an IPv4 address, or an IPv6 address without brackets. */
    readonly host: string,
    /** From 1 to 65535; that of the scheme where none is given. */
    readonly port: i32,
    /** Path and query, for `:path`; it begins with `/`. */
    readonly path: string,
  ) {}

  /** Null where the text is no such URL; `urlError` then says what was expected. */
  static parse(text: string): HttpUrl | null {
    urlError = "";
    const schemeEnd = text.indexOf("://");
    const scheme = schemeEnd < 0 ? "" : text.substring(0, schemeEnd).toLowerCase();
    if (scheme != "http" && scheme != "https") return fail('expected "http://" or "https://" in front');
    const start = schemeEnd + 3;
    let end = start;
    while (end < text.length && !"/?#".includes(text.charAt(end))) ++end;
    const authority = text.substring(start, end);
    if (authority.includes("@")) return fail("expected no user name");
    const rest = text.substring(end);
    if (rest.includes("#")) return fail("expected no fragment");
    if (!hasOnlyUrlCharacters(rest)) return fail("expected other characters to be escaped as %XX");

    const colon = portColon(authority);
    const host = (colon < 0 ? authority : authority.substring(0, colon)).toLowerCase();
    const port = colon < 0 || colon + 1 == authority.length ? "" : authority.substring(colon + 1);
    const number = port.length ? portOf(port) : scheme == "http" ? 80 : 443;
    if (number < 1) return fail("expected a port from 1 to 65535");
    const isLiteral = host.startsWith("[") && host.endsWith("]");
    const name = isLiteral ? host.substring(1, host.length - 1) : host;
    if (isLiteral ? !isIpv6(name) : !isHostName(host)) return fail("expected the name or the address of a host");
    return new HttpUrl(scheme, name, number, rest.startsWith("/") ? rest : `/${rest}`);
  }

  /** Host and port as `:authority` has them: the port only where it is not that of the scheme. */
  get authority(): string {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    return this.port == (this.scheme == "http" ? 80 : 443) ? host : `${host}:${this.port}`;
  }

  toString(): string {
    return `${this.scheme}://${this.authority}${this.path}`;
  }
}

function fail(expected: string): HttpUrl | null {
  urlError = expected;
  return null;
}

/** The colon before the port, or -1; one in brackets is part of an address. */
function portColon(authority: string): i32 {
  const colon = authority.lastIndexOf(":");
  return colon > authority.lastIndexOf("]") ? colon : -1;
}

function portOf(text: string): i32 {
  if (text.length > 5) return -1;
  let port = 0;
  for (let i = 0; i < text.length; ++i) {
    const digit = text.charCodeAt(i) - 0x30;
    if (<u32>digit > 9) return -1;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : -1;
}

/**
 * Letters, digits, `-` and `_` in parts joined by dots; the last part may be empty. Where the last part begins with a digit, the
 * whole is an IPv4 address: other forms of one (`0x7f.1`) are refused, as different readers take them for different hosts.
 */
function isHostName(host: string): bool {
  if (host.length == 0 || host.length > 253) return false;
  const labels = (host.endsWith(".") ? host.substring(0, host.length - 1) : host).split(".");
  for (let i = 0; i < labels.length; ++i) {
    if (!isLabel(labels[i])) return false;
  }
  const first = labels[labels.length - 1].charCodeAt(0);
  return <u32>(first - 0x30) > 9 || isIpv4(host);
}

function isLabel(label: string): bool {
  if (label.length == 0 || label.length > 63) return false;
  for (let i = 0; i < label.length; ++i) {
    const code = label.charCodeAt(i);
    const isPlain = <u32>(code - 0x61) < 26 || <u32>(code - 0x30) < 10 || code == 0x2d || code == 0x5f;
    if (!isPlain) return false;
  }
  return true;
}

/** RFC 3986: pchar, `/` and `?`, with whole escapes. */
function hasOnlyUrlCharacters(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code == 0x25) {
      if (!isHexDigit(text, i + 1) || !isHexDigit(text, i + 2)) return false;
    } else if (code <= 0x20 || code >= 0x7f || '"<>[\\]^`{|}'.includes(text.charAt(i))) {
      return false;
    }
  }
  return true;
}

function isHexDigit(text: string, at: i32): bool {
  if (at >= text.length) return false;
  const code = text.charCodeAt(at);
  return <u32>(code - 0x30) < 10 || <u32>((code | 0x20) - 0x61) < 6;
}
