// A value that a request carries: what a limit is counted by, what an experiment is split by.

import {
  Bytes,
  ConfigObject,
  HeaderName,
  Property,
  requestCookie,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { clientAddress } from "./client-address";
import { refuseEmpty } from "./lists";
import { headerName } from "./names";
import { requestPath } from "./request";

enum Source {
  Header,
  Cookie,
  Path,
  Method,
  ClientAddress,
  Property,
  Constant,
}

/** The fields that stand for the sources, in their order. */
const SOURCES: string[] = ["header", "cookie", "path", "method", "clientAddress", "property", "constant"];

const METHOD: HeaderName = new HeaderName(":method");

/** The farthest address from the right of `x-forwarded-for` that can be asked for. */
// @ts-ignore: decorator
@inline const MAX_FORWARDED: i64 = 32;

/** Where in a request a value is found. */
@final
export class RequestValue {
  private header: HeaderName = METHOD;
  private property: Property | null = null;
  private text: Uint8Array;
  private position: i32 = 0;

  /** @param name The header, cookie, property or constant; of the other sources what tells them apart. */
  private constructor(
    private source: Source,
    private name: string,
  ) {
    this.text = Bytes.utf8(name).copy();
  }

  /** Reads `{ "header": "x-api-key" }` and the like: an object with one field. */
  static read(object: ConfigObject): RequestValue {
    const source = object.alternative(SOURCES);
    if (source < 0) return new RequestValue(Source.Constant, "");
    const field = SOURCES[source];
    switch (source) {
      case Source.Header:
        return RequestValue.ofHeader(headerName(object, field));
      case Source.Cookie:
      case Source.Constant:
        return new RequestValue(source, object.string(field));
      case Source.Property: {
        const path = object.strings(field);
        refuseEmpty(object, field, path.length);
        return RequestValue.ofProperty(path);
      }
      case Source.ClientAddress:
        return RequestValue.ofClient(<i32>object.object(field).integerOr("xForwardedForPosition", 0, MAX_FORWARDED, 0));
      default:
        // An object without fields so far; the names of unknown ones are reported.
        object.object(field);
        return new RequestValue(source, "");
    }
  }

  /** Reads an array of such objects; empty when the field is left out. */
  static readAll(object: ConfigObject, field: string): RequestValue[] {
    const items = object.objects(field);
    refuseEmpty(object, field, items.length);
    const values: RequestValue[] = [];
    for (let i = 0; i < items.length; ++i) values.push(RequestValue.read(items[i]));
    return values;
  }

  private static ofHeader(name: string): RequestValue {
    const value = new RequestValue(Source.Header, name);
    value.header = new HeaderName(name);
    return value;
  }

  private static ofProperty(path: string[]): RequestValue {
    const value = new RequestValue(Source.Property, path.join("."));
    value.property = new Property(path);
    return value;
  }

  private static ofClient(position: i32): RequestValue {
    const value = new RequestValue(Source.ClientAddress, position.toString());
    value.position = position;
    return value;
  }

  /** One text for each different source. */
  get id(): string {
    return `${SOURCES[this.source]}:${this.name}`;
  }

  /** Whether the value is that of this header. */
  reads(header: string): bool {
    return this.source == Source.Header && this.name == header;
  }

  /** The value in the current request, or null when it has none. Of a header that repeats, the first. */
  read(): Bytes | null {
    switch (this.source) {
      case Source.Header:
        return requestHeaders.find(this.header);
      case Source.Cookie:
        return requestCookie(Bytes.of(this.text));
      case Source.Path:
        return requestPath();
      case Source.Method:
        return requestHeaders.find(METHOD);
      case Source.ClientAddress:
        return clientAddress(this.position);
      case Source.Property: {
        const property = this.property;
        return property === null ? null : property.bytes();
      }
      default:
        return Bytes.of(this.text);
    }
  }
}
