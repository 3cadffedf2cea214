// Changes of headers that an authorizer asks for (`envoy.config.core.v3.HeaderValueOption`).

import { Bytes, HeaderMap, HeaderName, Status } from "proxy-wasm-assemblyscript-sdk";
import { isFieldValue } from "../../common/field-value";
import { isHeaderName, isReservedName } from "../../common/names";

/** `HeaderValueOption.HeaderAppendAction`. */
export enum AppendAction {
  AppendIfExistsOrAdd = 0,
  AddIfAbsent = 1,
  OverwriteIfExistsOrAdd = 2,
  OverwriteIfExists = 3,
}

/** One header and what is to be done with it. */
@final
export class HeaderChange {
  readonly header: HeaderName;

  constructor(
    name: string,
    readonly value: Uint8Array,
    readonly action: AppendAction,
  ) {
    this.header = new HeaderName(name);
  }

  /**
   * Whether a filter may do it: no pseudo-header, none that frames the message or names the host, and nothing in the value that ends it.
   */
  get isFit(): bool {
    return isChangeable(this.header.name) && isFieldValue(Bytes.of(this.value));
  }

  apply(headers: HeaderMap): Status {
    const value = Bytes.of(this.value);
    switch (this.action) {
      case AppendAction.AppendIfExistsOrAdd:
        return headers.addBytes(this.header, value);
      case AppendAction.AddIfAbsent:
        return headers.find(this.header) === null ? headers.addBytes(this.header, value) : Status.Ok;
      case AppendAction.OverwriteIfExists:
        return headers.find(this.header) === null ? Status.Ok : headers.setBytes(this.header, value);
      default:
        return headers.setBytes(this.header, value);
    }
  }
}

/** Whether an authorizer may set or remove a header of this name. */
export function isChangeable(name: string): bool {
  return isHeaderName(name) && !isReservedName(name.toLowerCase());
}
