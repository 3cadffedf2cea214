// The client's address, whole or by the network it is in.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { isIpv4, rangeText } from "../address-text";
import { addressHigh, addressLow, maskHigh, maskLow, parseAddress } from "../cidr";
import { clientAddress, readPosition } from "../client-address";
import { RequestValue } from "./request-value";

/** The address of who sends a request, without port. */
@final
export class AddressValue extends RequestValue {
  /** @param position See `clientAddress`. */
  constructor(private position: i32) {
    super(`clientAddress:${position}`);
  }

  get asksHost(): bool {
    return true;
  }

  read(): Bytes | null {
    return clientAddress(this.position);
  }
}

/** The network of who sends a request, as a range. What is no IP address, a pipe for instance, is taken as it is. */
@final
export class NetworkValue extends RequestValue {
  /**
   * @param ipv4Prefix 0 to 32.
   * @param ipv6Prefix 0 to 128.
   */
  constructor(
    private position: i32,
    private ipv4Prefix: i32,
    private ipv6Prefix: i32,
  ) {
    super(`clientAddress:${position}/${ipv4Prefix}/${ipv6Prefix}`);
  }

  get asksHost(): bool {
    return true;
  }

  read(): Bytes | null {
    const address = clientAddress(this.position);
    if (address === null || !parseAddress(address)) return address;
    if (isIpv4(addressHigh, addressLow)) {
      return rangeText(0, addressLow & maskLow(this.ipv4Prefix + 96), this.ipv4Prefix);
    }
    return rangeText(addressHigh & maskHigh(this.ipv6Prefix), addressLow & maskLow(this.ipv6Prefix), this.ipv6Prefix);
  }
}

/** Reads `{ "xForwardedForPosition": 1, "ipv4Prefix": 24, "ipv6Prefix": 64 }`, all of which may be left out. */
export function readAddress(object: ConfigObject): RequestValue {
  const position = readPosition(object);
  if (!object.has("ipv4Prefix") && !object.has("ipv6Prefix")) return new AddressValue(position);
  const ipv4Prefix = <i32>object.integerOr("ipv4Prefix", 0, 32, 32);
  return new NetworkValue(position, ipv4Prefix, <i32>object.integerOr("ipv6Prefix", 0, 128, 128));
}
