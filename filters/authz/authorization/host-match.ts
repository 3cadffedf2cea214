import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { Key, KeyKind, hashBackwards } from "./key";
import { RequestView } from "./request-view";

/** A condition on the host: `api.example.com`, or `*.example.com` for every host below it. Case and port do not count. */
@final
export class HostMatch {
  private below: bool;
  /** The name, with its dot in front where `below`. */
  private name: string;

  constructor(object: ConfigObject, text: string) {
    const below = text.startsWith("*.");
    this.below = below;
    this.name = below ? text.substring(1) : text;
    if (!isHost(below ? text.substring(2) : text)) {
      object.error("hosts", `names such as "api.example.com" and "*.example.com", without port`);
    }
  }

  get key(): Key {
    const kind = this.below ? KeyKind.HostBelow : KeyKind.Host;
    return new Key(kind, hashBackwards(kind, Bytes.utf8(this.name.toLowerCase())));
  }

  /** @param host As `hostOf` gives it. */
  matches(host: Bytes): bool {
    const size = this.name.length;
    if (!this.below) return host.isIgnoreCase(this.name);
    return host.size > size && host.slice(host.size - size).isIgnoreCase(this.name);
  }
}


@final
export class HostsCondition extends Condition {
  private hosts: HostMatch[] = [];

  constructor(object: ConfigObject) {
    super("hosts");
    const hosts = object.strings("hosts");
    refuseEmpty(object, "hosts", hosts.length);
    for (let i = 0; i < hosts.length; ++i) this.hosts.push(new HostMatch(object, hosts[i]));
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    for (let i = 0; i < this.hosts.length; ++i) {
      if (unchecked(this.hosts[i]).matches(request.host)) return true;
    }
    return false;
  }

  addKeys(keys: Key[]): bool {
    for (let i = 0; i < this.hosts.length; ++i) keys.push(this.hosts[i].key);
    return true;
  }
}

/** The host of an `:authority`, without port and without the dot that ends a full name. */
export function hostOf(authority: Bytes): Bytes {
  let size = authority.size;
  const bracket = authority.indexOf(0x5d);
  const colon = authority.indexOf(0x3a, max(bracket, 0));
  if (colon >= 0) size = colon;
  if (size > 0 && authority[size - 1] == 0x2e) --size;
  return authority.slice(0, size);
}

/** Letters, digits, `.`, `-` and `_`, or an IPv6 address in brackets. */
function isHost(text: string): bool {
  const bracketed = text.startsWith("[") && text.endsWith("]");
  const name = bracketed ? text.substring(1, text.length - 1) : text;
  if (name.length == 0 || name.endsWith(".")) return false;
  for (let i = 0; i < name.length; ++i) {
    const code = name.charCodeAt(i);
    const plain = <u32>((code | 0x20) - 0x61) < 26 || <u32>(code - 0x30) < 10 || code == 0x2e;
    if (plain || (bracketed ? code == 0x3a : code == 0x2d || code == 0x5f)) continue;
    return false;
  }
  return true;
}
