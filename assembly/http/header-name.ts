import { asciiLower } from "../bytes";

/**
 * The name of a header, made once (at module top level, say) and used on every request without allocation.
 * Names are ASCII and are compared in lower case (RFC 9110, section 5.1).
 */
@final
export class HeaderName {
  private bytes: StaticArray<u8>;

  /** @param name For example `x-user-id`, or a pseudo-header such as `:path`. */
  constructor(readonly name: string) {
    const bytes = new StaticArray<u8>(name.length);
    for (let i = 0; i < name.length; ++i) bytes[i] = <u8>asciiLower(name.charCodeAt(i));
    this.bytes = bytes;
  }

  /** Address of the lower-case name. */
  @inline
  get pointer(): usize {
    return changetype<usize>(this.bytes);
  }

  /** Length of the name in bytes. */
  @inline
  get size(): i32 {
    return this.bytes.length;
  }
}
