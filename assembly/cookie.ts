// Cookies (RFC 6265).

import { Bytes } from "./bytes";
import { HeaderName } from "./http/header-name";
import { requestHeaders } from "./http/header-map";
import { Duration } from "./time";

const COOKIE: HeaderName = new HeaderName("cookie");

/**
 * The value of the first cookie of a name in all `cookie` headers of the request, as it is written, or null. There can be several
 * headers: HTTP/2 lets a client send each cookie by itself (RFC 9113, section 8.2.3).
 */
export function requestCookie(name: Bytes): Bytes | null {
  for (let i = requestHeaders.indexOfName(COOKIE); i >= 0; i = requestHeaders.indexOfName(COOKIE, i + 1)) {
    const value = cookieValue(requestHeaders.valueAt(i), name);
    if (value !== null) return value;
  }
  return null;
}

/** As `requestCookie`, decoded as UTF-8. */
export function getRequestCookie(name: string): string | null {
  const value = requestCookie(Bytes.utf8(name));
  return value === null ? null : value.toString();
}

/**
 * The value of the first cookie of a name in one header (section 4.2.1), as it is written, quotes included, or null.
 * A part without `=` is no cookie of any name, and is passed over.
 */
export function cookieValue(header: Bytes, name: Bytes): Bytes | null {
  let start = 0;
  while (start <= header.size) {
    const semicolon = header.indexOf(0x3b, start);
    const end = semicolon < 0 ? header.size : semicolon;
    const equals = header.indexOf(0x3d, start);
    if (equals >= 0 && equals < end && header.slice(start, equals).trim().equals(name)) {
      return header.slice(equals + 1, end).trim();
    }
    start = end + 1;
  }
  return null;
}

/** The `SameSite` attribute of a cookie (RFC 6265bis, section 4.1.2.7). */
export enum SameSite {
  /** The attribute is left out; browsers take it for Lax. */
  Unset,
  Lax,
  Strict,
  /** Only of a cookie that is `secure`. */
  None,
}

/**
 * A cookie for a client, to be sent in a `set-cookie` header of its own:
 *
 *     const cookie = new SetCookie("id", id);
 *     cookie.maxAge = Duration.hours(1);
 *     cookie.httpOnly = true;
 *     responseHeaders.add("set-cookie", cookie.toString());
 */
@final
export class SetCookie {
  /** The host it is for, with its subdomains; empty for the host that sets it alone. */
  domain: string = "";
  /** The path it is for; empty for that of the request, up to its last slash. */
  path: string = "";
  /** How long it lasts, in whole seconds; zero deletes it. Null for as long as the browser is open. */
  maxAge: Duration | null = null;
  /** Whether it is sent over TLS only. */
  secure: bool = false;
  /** Whether scripts cannot see it. */
  httpOnly: bool = false;
  sameSite: SameSite = SameSite.Unset;

  constructor(
    readonly name: string,
    readonly value: string,
  ) {}

  /**
   * What keeps this from being a cookie that clients store, or null. Checked are the grammar of section 4.1.1 and what names with the
   * prefixes `__Host-` and `__Secure-` and SameSite=None ask for (RFC 6265bis, sections 4.1.2.7 and 4.1.3).
   */
  get error(): string | null {
    if (!isToken(this.name)) return `name: expected a token, found "${this.name}"`;
    if (!isCookieValue(this.value))
      return "value: expected no controls, blanks, quotes, commas, semicolons, backslashes";
    if (!isAttribute(this.domain)) return `domain: expected no controls and no semicolon, found "${this.domain}"`;
    if (!isAttribute(this.path)) return `path: expected no controls and no semicolon, found "${this.path}"`;
    if (this.path.length && !this.path.startsWith("/")) return `path: expected "/" in front, found "${this.path}"`;
    if (this.name.length + this.value.length > 4096) return "expected at most 4096 bytes of name and value";
    const isHost = hasPrefix(this.name, "__host-");
    if (!this.secure && (isHost || hasPrefix(this.name, "__secure-"))) return `secure: expected for "${this.name}"`;
    if (!this.secure && this.sameSite == SameSite.None) return "secure: expected with SameSite=None";
    if (isHost && (this.path != "/" || this.domain.length)) return 'path: expected "/" and no domain for "__Host-"';
    return null;
  }

  /** The value of the header. Check `error` first where a part does not come from the filter itself. */
  toString(): string {
    let text = `${this.name}=${this.value}`;
    const maxAge = this.maxAge;
    if (maxAge !== null) text += `; Max-Age=${max<i64>(maxAge.seconds, 0)}`;
    if (this.domain.length) text += `; Domain=${this.domain}`;
    if (this.path.length) text += `; Path=${this.path}`;
    if (this.secure) text += "; Secure";
    if (this.httpOnly) text += "; HttpOnly";
    switch (this.sameSite) {
      case SameSite.Lax:
        return text + "; SameSite=Lax";
      case SameSite.Strict:
        return text + "; SameSite=Strict";
      case SameSite.None:
        return text + "; SameSite=None";
      default:
        return text;
    }
  }
}

/** Browsers compare the prefixes with no regard to case. `prefix` is in lower case. */
function hasPrefix(name: string, prefix: string): bool {
  return name.substring(0, prefix.length).toLowerCase() == prefix;
}

/** RFC 9110, section 5.6.2. */
function isToken(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || '"(),/:;<=>?@[\\]{}'.includes(text.charAt(i))) return false;
  }
  return text.length > 0;
}

/** cookie-octets, in double quotes or not. */
function isCookieValue(text: string): bool {
  const quoted = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  const skipped = quoted ? 1 : 0;
  for (let i = skipped; i < text.length - skipped; ++i) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || '",;\\'.includes(text.charAt(i))) return false;
  }
  return true;
}

function isAttribute(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code >= 0x7f || code == 0x3b) return false;
  }
  return true;
}
