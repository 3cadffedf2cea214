// API keys. The configuration has their SHA-256 only, so it gives no key away.

import { Bytes, ConfigObject, SHA256_SIZE, constantTimeEquals, decodeHex, sha256 } from "proxy-wasm-assemblyscript-sdk";
import { plainName } from "../../common/names";
import { ApiKey, Caller } from "./caller";
import { CredentialLocation, Found, HeaderLocation, readHeader, readParamsAndCookies } from "./credential-location";
import { Reason } from "../reason";

/** The keys of a configuration, and where requests have them. */
@final
export class ApiKeys {
  readonly locations: CredentialLocation[] = [];
  /** Whether the upstream gets the key. */
  readonly forward: bool;
  private names: Set<string> = new Set<string>();
  /** Open addressing by the first bytes of the digest, which are as good as random. */
  private table: StaticArray<ApiKey | null> = new StaticArray<ApiKey | null>(0);

  constructor(object: ConfigObject) {
    if (object.has("header")) this.locations.push(new HeaderLocation(readHeader(object, "header"), ""));
    readParamsAndCookies(object, this.locations);
    if (this.locations.length == 0) this.locations.push(new HeaderLocation("x-api-key", ""));
    this.forward = object.boolOr("forward", false);
    const keys = object.objects("keys");
    if (keys.length == 0) object.error("keys", "at least one key");
    let size = 2;
    while (size < keys.length * 2) size <<= 1;
    this.table = new StaticArray<ApiKey | null>(size);
    for (let i = 0; i < keys.length; ++i) this.read(keys[i]);
  }

  has(name: string): bool {
    return this.names.has(name);
  }

  /** Looks at the request's key, if it has one. There must not be more than one, wherever they are. */
  authenticate(caller: Caller): Reason {
    let count = 0;
    for (let i = 0; i < this.locations.length; ++i) {
      const location = unchecked(this.locations[i]);
      const found = location.find();
      if (found == Found.Nothing) continue;
      const key: ApiKey | null = found == Found.TooMany ? null : this.find(sha256(location.credential));
      caller.apiKey = key;
      if (key === null || ++count > 1) return Reason.BadApiKey;
      if (!this.forward) caller.withheld.push(location);
    }
    return Reason.None;
  }

  /** Two keys may have one name, so that a key can be exchanged for another without a gap. */
  private read(object: ConfigObject): void {
    const name = plainName(object, "name");
    this.names.add(name);
    const digest = decodeHex(Bytes.utf8(object.string("sha256")));
    if (digest === null || digest.size != SHA256_SIZE) {
      object.error("sha256", "the SHA-256 of the key in 64 hex digits");
      return;
    }
    if (this.find(digest) !== null) {
      object.error("sha256", "a key that is not in the list yet");
      return;
    }
    unchecked((this.table[this.slotOf(digest)] = new ApiKey(name, digest.copy(), Bytes.utf8(name).copy())));
  }

  private find(digest: Bytes): ApiKey | null {
    return unchecked(this.table[this.slotOf(digest)]);
  }

  /** Where the key is, or the free slot where it would be. */
  private slotOf(digest: Bytes): i32 {
    const mask = this.table.length - 1;
    let slot = load<i32>(digest.pointer) & mask;
    while (true) {
      const key = unchecked(this.table[slot]);
      if (key === null || constantTimeEquals(Bytes.of(key.digest), digest)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
