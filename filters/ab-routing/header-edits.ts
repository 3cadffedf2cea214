// Changes of the headers of a message.

import { Bytes, ConfigObject, HeaderMap, HeaderName } from "proxy-wasm-assemblyscript-sdk";
import { isFieldValue } from "../common/field-value";
import { refuseEmpty } from "../common/lists";
import { isHeaderName, isReservedName, ownHeaderName } from "../common/names";

/** A header that is set or added. */
@final
class Edit {
  readonly name: HeaderName;
  readonly value: Uint8Array;

  constructor(object: ConfigObject) {
    this.name = new HeaderName(ownHeaderName(object, "name"));
    const value = object.string("value");
    const bytes = Bytes.utf8(value);
    if (!isFieldValue(bytes) || value.trim().length != value.length) {
      object.error("value", "text without controls and without blanks at its ends");
    }
    this.value = bytes.copy();
  }
}

/** `{ "set": [{ "name", "value" }], "add": [...], "remove": [...] }`, as the Gateway API's header modifiers have it. */
@final
export class HeaderEdits {
  private set: Edit[];
  private add: Edit[];
  private remove: HeaderName[] = [];

  constructor(object: ConfigObject) {
    this.set = readEdits(object, "set");
    this.add = readEdits(object, "add");
    const names = object.strings("remove");
    refuseEmpty(object, "remove", names.length);
    for (let i = 0; i < names.length; ++i) {
      const name = names[i].toLowerCase();
      if (!isHeaderName(name) || isReservedName(name))
        object.error("remove", "names of headers that a filter may remove");
      this.remove.push(new HeaderName(name));
    }
  }

  /** Whether a header of this name is touched. */
  changes(name: string): bool {
    for (let i = 0; i < this.set.length; ++i) if (this.set[i].name.name == name) return true;
    for (let i = 0; i < this.add.length; ++i) if (this.add[i].name.name == name) return true;
    for (let i = 0; i < this.remove.length; ++i) if (this.remove[i].name == name) return true;
    return false;
  }

  apply(headers: HeaderMap): void {
    for (let i = 0; i < this.remove.length; ++i) headers.removeName(this.remove[i]);
    for (let i = 0; i < this.set.length; ++i) headers.setBytes(this.set[i].name, Bytes.of(this.set[i].value));
    for (let i = 0; i < this.add.length; ++i) headers.addBytes(this.add[i].name, Bytes.of(this.add[i].value));
  }
}

function readEdits(object: ConfigObject, field: string): Edit[] {
  const objects = object.objects(field);
  refuseEmpty(object, field, objects.length);
  const edits: Edit[] = [];
  for (let i = 0; i < objects.length; ++i) edits.push(new Edit(objects[i]));
  return edits;
}
