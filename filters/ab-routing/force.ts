// A variant that a request asks for by name.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { RequestMatch } from "../common/request-match";
import { readValues } from "../common/values/read";
import { RequestValue } from "../common/values/request-value";

/** `{ "from": [{ "header": ... }, { "cookie": ... }], "when": ... }`: where the name stands, and who may ask. */
@final
export class Force {
  readonly values: RequestValue[];
  readonly when: RequestMatch | null;

  constructor(object: ConfigObject) {
    this.values = readValues(object, "from");
    if (!object.has("from")) object.error("from", "an array of at least one item");
    const when = object.objectOrNull("when");
    this.when = when === null ? null : RequestMatch.read(when);
  }

  /** Whether the decision is on this header. */
  reads(header: string): bool {
    for (let i = 0; i < this.values.length; ++i) {
      if (this.values[i].reads(header)) return true;
    }
    const when = this.when;
    return when !== null && when.reads(header);
  }

  /**
   * The variant that the current request asks for, as an index of `names`; -1 for none. A name that no variant has asks for none.
   * @param names Of the variants, in UTF-8.
   */
  variant(names: Uint8Array[]): i32 {
    for (let i = 0; i < this.values.length; ++i) {
      const value = this.values[i].read();
      if (value === null) continue;
      const variant = indexOf(names, value);
      if (variant < 0) continue;
      const when = this.when;
      return when === null || when.matches() ? variant : -1;
    }
    return -1;
  }
}

function indexOf(names: Uint8Array[], value: Bytes): i32 {
  for (let i = 0; i < names.length; ++i) {
    if (Bytes.of(names[i]).equals(value)) return i;
  }
  return -1;
}
