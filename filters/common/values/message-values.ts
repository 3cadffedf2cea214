// Values that stand in the request itself.

import {
  Bytes,
  HeaderName,
  Query,
  encodeHex,
  percentDecode,
  requestCookie,
  requestHeaders,
  sha256,
} from "proxy-wasm-assemblyscript-sdk";
import { withoutPort } from "../client-address";
import { RequestValue } from "./request-value";

const AUTHORITY: HeaderName = new HeaderName(":authority");
const PATH: HeaderName = new HeaderName(":path");

/** The first value of a header. */
@final
export class HeaderValue extends RequestValue {
  private header: HeaderName;

  /** @param name In lower case. */
  constructor(private name: string) {
    super(`header:${name}`);
    this.header = new HeaderName(name);
  }

  read(): Bytes | null {
    return requestHeaders.find(this.header);
  }

  reads(header: string): bool {
    return this.name == header;
  }
}

/** The first cookie of a name. */
@final
export class CookieValue extends RequestValue {
  private name: Uint8Array;

  constructor(name: string) {
    super(`cookie:${name}`);
    this.name = Bytes.utf8(name).copy();
  }

  read(): Bytes | null {
    return requestCookie(Bytes.of(this.name));
  }
}

/** The first parameter of a name in the query, decoded. */
@final
export class QueryValue extends RequestValue {
  private name: Uint8Array;

  constructor(name: string) {
    super(`query:${name}`);
    this.name = Bytes.utf8(name).copy();
  }

  read(): Bytes | null {
    const target = requestHeaders.find(PATH);
    if (target === null) return null;
    const value = Query.ofTarget(target).find(Bytes.of(this.name));
    return value === null ? null : percentDecode(value, true);
  }
}

/** The host that the client asked for, in one spelling: in lower case, without port and without a dot at its end. */
@final
export class HostValue extends RequestValue {
  constructor() {
    super("host:");
  }

  read(): Bytes | null {
    const authority = requestHeaders.find(AUTHORITY);
    if (authority === null) return null;
    const host = withoutPort(authority);
    const size = host.size && host[host.size - 1] == 0x2e ? host.size - 1 : host.size;
    const lower = Bytes.allocate(size);
    for (let i = 0; i < size; ++i) lower[i] = <u32>(host[i] - 0x41) < 26 ? host[i] | 0x20 : host[i];
    return lower;
  }
}

/** The same text for every request. */
@final
export class ConstantValue extends RequestValue {
  private text: Uint8Array;

  constructor(text: string) {
    super(`constant:${text}`);
    this.text = Bytes.utf8(text).copy();
  }

  read(): Bytes | null {
    return Bytes.of(this.text);
  }
}

/** The SHA-256 of a secret in hex digits, in place of the secret. */
@final
export class DigestValue extends RequestValue {
  constructor(private secret: RequestValue) {
    super(`apiKey:${secret.id}`);
  }

  get asksHost(): bool {
    return this.secret.asksHost;
  }

  read(): Bytes | null {
    const secret = this.secret.read();
    return secret === null ? null : encodeHex(sha256(secret));
  }
}

/** A value, or a text where the request has none. */
@final
export class ValueOrDefault extends RequestValue {
  private text: Uint8Array;

  constructor(
    private value: RequestValue,
    absent: string,
  ) {
    super(`${value.id}|${absent}`);
    this.text = Bytes.utf8(absent).copy();
  }

  get asksHost(): bool {
    return this.value.asksHost;
  }

  read(): Bytes | null {
    const value = this.value.read();
    return value === null ? Bytes.of(this.text) : value;
  }

  reads(header: string): bool {
    return this.value.reads(header);
  }
}
