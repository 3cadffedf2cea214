import { Status } from "./abi/enums.ts";
import { concat, EMPTY } from "./bytes.ts";

/** What `proxy_get_buffer_bytes` and `proxy_set_buffer_bytes` work on. */
export interface GuestBuffer {
  readonly bytes: Uint8Array;
  /** Splices `data` in; answers BadArgument where Envoy does. */
  splice(start: number, length: number, data: Uint8Array): Status;
}

/** A buffer that a module may only read. */
export class ReadOnlyBuffer implements GuestBuffer {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array = EMPTY) {
    this.bytes = bytes;
  }

  splice(): Status {
    return Status.BadArgument;
  }
}

/** A part of a body that passes through the filter. */
export class Body implements GuestBuffer {
  bytes: Uint8Array;

  constructor(bytes: Uint8Array = EMPTY) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Envoy replaces the beginning (nothing of it, a part, or all) and appends at the end or beyond, and nothing else. */
  splice(start: number, length: number, data: Uint8Array): Status {
    if (start === 0) this.bytes = concat(data, this.bytes.subarray(length));
    else if (start >= this.length) this.bytes = concat(this.bytes, data);
    else return Status.BadArgument;
    return Status.Ok;
  }

  /** Takes everything out of `other`. */
  moveFrom(other: Body): void {
    if (other === this) return;
    this.bytes = concat(this.bytes, other.take());
  }

  take(): Uint8Array {
    const bytes = this.bytes;
    this.bytes = EMPTY;
    return bytes;
  }
}
