// Values that Envoy or another filter keeps beside the request.

import { Bytes, ConfigObject, Property } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../lists";
import { RequestValue } from "./request-value";

/** A property. */
@final
export class PropertyValue extends RequestValue {
  private property: Property;

  constructor(
    path: string[],
    /** Whether no text is as good as no value. */
    private skipEmpty: bool = false,
  ) {
    super(`property:${path.join(".")}`);
    this.property = new Property(path);
  }

  get asksHost(): bool {
    return true;
  }

  read(): Bytes | null {
    const value = this.property.bytes();
    return value !== null && value.size == 0 && this.skipEmpty ? null : value;
  }
}

/** Reads a field that is the path of a property. */
export function readProperty(object: ConfigObject, field: string): RequestValue {
  const path = object.strings(field);
  refuseEmpty(object, field, path.length);
  return new PropertyValue(path);
}

/** Reads a field that is a namespace, a key and, of a value with structure, the way on. */
export function readMetadata(object: ConfigObject, field: string, root: string[]): RequestValue {
  const path = object.strings(field);
  if (path.length < 2) object.error(field, "a namespace and a key");
  return new PropertyValue(root.concat(["filter_metadata"]).concat(path));
}
