// Whether a call of gRPC failed, by what its answer ends with.

import { HeaderMap, HeaderName } from "proxy-wasm-assemblyscript-sdk";

const GRPC_STATUS: HeaderName = new HeaderName("grpc-status");

/**
 * The statuses that are a fault of the server, as OpenTelemetry's conventions for gRPC have them, by bit: UNKNOWN (2), DEADLINE_EXCEEDED (4),
 * UNIMPLEMENTED (12), INTERNAL (13), UNAVAILABLE (14), DATA_LOSS (15). The others say that the client asked for what it cannot have.
 */
// @ts-ignore: decorator
@inline const FAILURES: u32 = (1 << 2) | (1 << 4) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 15);

/** False where there is no status. One that is no number from 0 to 16 is unknown, and so a failure. */
export function isGrpcFailure(headers: HeaderMap): bool {
  const value = headers.find(GRPC_STATUS);
  if (value === null) return false;
  let status: u32 = 0;
  for (let i = 0; i < value.size; ++i) {
    const digit = <u32>value[i] - 0x30;
    if (digit > 9) return true;
    status = status * 10 + digit;
    if (status > 16) return true;
  }
  return value.size == 0 || ((FAILURES >> status) & 1) != 0;
}
