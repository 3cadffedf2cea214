// Compression by the host, in the zlib format (RFC 1950): not gzip, which is what `content-encoding: gzip` means.

import { Status } from "../abi/enums";
import { Bytes } from "../bytes";
import { callForeignFunction, foreignResult } from "./call";

/** Compresses. Null when the host has no such function. */
export function compress(data: Bytes): Bytes | null {
  return callForeignFunction("compress", data) == Status.Ok ? foreignResult : null;
}

/**
 * Undoes `compress`. Null when the data is malformed, larger than `maxInput`, or the host has no such function
 * (`foreignStatus` tells which, but for a too large input, for which the host is not called).
 *
 * Envoy sets no bound on what comes out, and a small input can become a large output, up to 1,032 times its size: the
 * bound on the input is what keeps hostile data from filling Envoy's memory and the module's.
 * @param maxInput In bytes. With the default, at most 16 MiB come out.
 */
export function uncompress(data: Bytes, maxInput: i32 = 16 * 1024): Bytes | null {
  if (data.size > maxInput) return null;
  return callForeignFunction("uncompress", data) == Status.Ok ? foreignResult : null;
}
