// Who a request is dealt out as.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { readValues } from "../common/values/read";
import { RequestValue } from "../common/values/request-value";
import { AnonymousId } from "./anonymous-id";

/** The values of a request of which the first is its key, and whether a client without any is known by a cookie. */
@final
export class Subject {
  readonly values: RequestValue[];
  /** Whether the cookie of `anonymousId` stands behind the values. */
  readonly anonymous: bool;

  /**
   * Reads `key` and `anonymous` of an object.
   * @param canIssue Whether there is an `anonymousId`.
   */
  constructor(object: ConfigObject, canIssue: bool) {
    const anonymous = object.boolOr("anonymous", false);
    this.anonymous = anonymous;
    this.values = readValues(object, "key");
    if (anonymous && !canIssue) object.error("anonymous", "anonymousId beside the experiments");
    if (!object.has("key") && !anonymous) object.error("key", "an array of at least one item");
  }

  /** The first value that is that of a header of this name, or -1. */
  valueOf(header: string): i32 {
    for (let i = 0; i < this.values.length; ++i) {
      if (this.values[i].reads(header)) return i;
    }
    return -1;
  }

  /** The key of the current request, or null. An empty value says nothing about who sends it. */
  key(anonymousId: AnonymousId | null): Bytes | null {
    for (let i = 0; i < this.values.length; ++i) {
      const value = this.values[i].read();
      if (value !== null && value.size) return value;
    }
    return this.anonymous && anonymousId !== null ? anonymousId.current() : null;
  }
}
