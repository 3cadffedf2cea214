// Buffers of the host: bodies and configurations.

import { BufferType, Status } from "./abi/enums";
import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "./abi/imports";
import { Bytes } from "./bytes";

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

/**
 * A buffer of the current stream or callback. Envoy changes a body in three ways only: `prepend`, `append` and `replace`;
 * they work in the body's own callback, on what that callback holds.
 * A filter that changes a body's length removes `content-length` in the headers callback.
 */
@final
export class Buffer {
  constructor(readonly type: BufferType) {}

  /** Number of bytes that are there now; 0 where the buffer is absent. */
  get size(): i32 {
    return proxy_get_buffer_status(this.type, sizeOut, dataOut) == Status.Ok
      ? max<i32>(load<i32>(sizeOut) - <i32>this.prefix, 0)
      : 0;
  }

  /**
   * The bytes from `start`, at most `length` of them; what reaches past the end is left out.
   * Null where the buffer is absent in this callback.
   */
  read(start: i32 = 0, length: i32 = i32.MAX_VALUE): Bytes | null {
    return this.readFrom(<u32>start + this.prefix, length);
  }

  private readFrom(start: u32, length: u32): Bytes | null {
    // start + length must not pass 32 bits, which the host refuses.
    const limited = min<u32>(length, u32.MAX_VALUE - start);
    if (proxy_get_buffer_bytes(this.type, start, limited, dataOut, sizeOut) != Status.Ok) return null;
    return Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
  }

  prepend(data: Bytes): Status {
    const prefix = this.prefix;
    if (!prefix) return this.splice(0, 0, data);
    const rest = this.read();
    return this.splice(0, u32.MAX_VALUE, rest === null ? data : Bytes.concat(data, rest));
  }

  append(data: Bytes): Status {
    return this.splice(u32.MAX_VALUE, 0, data);
  }

  /** Puts `data` in place of all that the buffer holds. */
  replace(data: Bytes): Status {
    return this.splice(0, u32.MAX_VALUE, data);
  }

  private splice(start: u32, length: u32, data: Bytes): Status {
    // @ts-ignore: see `compose/hooks.ts`.
    if (isDefined(__bodyChanged)) __bodyChanged();
    const prefix = start ? 0 : this.prefix;
    const before = prefix ? this.readFrom(0, prefix) : null;
    if (before !== null) data = Bytes.concat(before, data);
    return proxy_set_buffer_bytes(this.type, start, length, data.pointer, data.size);
  }

  /** Number of bytes before what is to be seen: a part of a composed plugin does not see what other parts hold. */
  private get prefix(): u32 {
    // @ts-ignore: see `compose/hooks.ts`.
    if (isDefined(__bodyPrefix)) return __bodyPrefix(this.type);
    return 0;
  }
}

/** Body of the request: in `onRequestBody`, the part that came or, while the filter buffers, all so far. */
// @ts-ignore: decorator
@lazy export const requestBody: Buffer = new Buffer(BufferType.HttpRequestBody);
/** Body of the response, as `requestBody`. */
// @ts-ignore: decorator
@lazy export const responseBody: Buffer = new Buffer(BufferType.HttpResponseBody);
/** The plugin's configuration; there in `onConfigure`. */
// @ts-ignore: decorator
@lazy export const pluginConfiguration: Buffer = new Buffer(BufferType.PluginConfiguration);
/** The VM's configuration; there in `onVmStart`. */
// @ts-ignore: decorator
@lazy export const vmConfiguration: Buffer = new Buffer(BufferType.VmConfiguration);
/** The argument of a foreign call; there in `onForeignFunction`. */
// @ts-ignore: decorator
@lazy export const callData: Buffer = new Buffer(BufferType.CallData);
