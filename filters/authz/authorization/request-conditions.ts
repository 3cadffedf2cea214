// Conditions on method, port, addresses and time.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { Cidr, maskHigh, maskLow, readCidrs } from "../../common/cidr";
import { refuseEmpty } from "../../common/lists";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { Key, KeyKind, hashAddress, hashNumber, hashText } from "./key";
import { RequestView } from "./request-view";
import { TimeWindow } from "../../common/time-window";


@final
export class MethodsCondition extends Condition {
  private methods: string[];

  constructor(object: ConfigObject) {
    super("methods");
    this.methods = object.strings("methods");
    refuseEmpty(object, "methods", this.methods.length);
    for (let i = 0; i < this.methods.length; ++i) {
      if (!isMethod(this.methods[i])) object.error("methods", 'methods in capitals such as "GET"');
    }
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    for (let i = 0; i < this.methods.length; ++i) {
      if (request.method.is(unchecked(this.methods[i]))) return true;
    }
    return false;
  }

  addKeys(keys: Key[]): bool {
    for (let i = 0; i < this.methods.length; ++i) {
      keys.push(new Key(KeyKind.Method, hashText(KeyKind.Method, this.methods[i])));
    }
    return true;
  }
}


@final
export class PortsCondition extends Condition {
  private ports: i64[] = [];

  constructor(object: ConfigObject) {
    super("ports");
    const items = object.json("ports");
    const count = items === null ? 0 : items.items.length;
    for (let i = 0; i < count; ++i) {
      const item = items!.items[i];
      if (item.isInteger && item.integer >= 1 && item.integer <= 65_535) this.ports.push(item.integer);
    }
    if (this.ports.length == 0 || this.ports.length < count)
      object.error("ports", "an array of integers from 1 to 65535");
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const port = request.port();
    return port < 0 ? !strict : this.ports.includes(port);
  }

  addKeys(keys: Key[]): bool {
    keys.push(Key.ofUnreadable(KeyKind.Port));
    for (let i = 0; i < this.ports.length; ++i) {
      keys.push(new Key(KeyKind.Port, hashNumber(KeyKind.Port, this.ports[i])));
    }
    return true;
  }
}

/** On the client's address, or on that of the peer. */
@final
export class AddressCondition extends Condition {
  private ranges: Cidr[];
  private isPeer: bool;

  /** @param field `sources` or `peers`. */
  constructor(object: ConfigObject, field: string) {
    super(field);
    this.isPeer = field == "peers";
    this.ranges = readCidrs(object, field);
    refuseEmpty(object, field, object.strings(field).length);
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const address = this.isPeer ? request.peerAddress() : request.sourceAddress();
    if (!address.isGood) return !strict;
    for (let i = 0; i < this.ranges.length; ++i) {
      if (unchecked(this.ranges[i]).hasAddress(address.high, address.low)) return true;
    }
    return false;
  }

  addKeys(keys: Key[]): bool {
    const kind = this.isPeer ? KeyKind.Peer : KeyKind.Source;
    keys.push(Key.ofUnreadable(kind));
    for (let i = 0; i < this.ranges.length; ++i) {
      const range = this.ranges[i];
      keys.push(
        new Key(
          kind,
          hashAddress(kind, range.high & maskHigh(range.bits), range.low & maskLow(range.bits), range.bits),
          range.bits,
        ),
      );
    }
    return true;
  }
}


@final
export class TimesCondition extends Condition {
  private windows: TimeWindow[] = [];

  constructor(object: ConfigObject) {
    super("times");
    const objects = object.objects("times");
    refuseEmpty(object, "times", objects.length);
    for (let i = 0; i < objects.length; ++i) this.windows.push(TimeWindow.read(objects[i]));
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const seconds = <i64>(request.time() / 1_000_000_000);
    for (let i = 0; i < this.windows.length; ++i) {
      if (unchecked(this.windows[i]).has(seconds)) return true;
    }
    return false;
  }
}

function isMethod(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (<u32>(code - 0x41) >= 26 && code != 0x2d && code != 0x5f) return false;
  }
  return true;
}
