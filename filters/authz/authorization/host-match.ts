import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";

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

  /** @param host As `hostOf` gives it. */
  matches(host: Bytes): bool {
    const size = this.name.length;
    if (!this.below) return host.isIgnoreCase(this.name);
    return host.size > size && host.slice(host.size - size).isIgnoreCase(this.name);
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
