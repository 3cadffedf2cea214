// The keys of a provider.

import { SignatureVerdict } from "proxy-wasm-assemblyscript-sdk";
import { Reason } from "../../reason";
import { Jws } from "../jws";
import { WaitingRoom } from "../waiting-room";
import { Algorithm, isOfHost } from "./algorithm";
import { Key } from "./key";

/** Keys, wherever they come from. */
export abstract class KeySet {
  protected keys: Key[] = [];
  /** The key that the last `verify` found good. */
  verifiedBy: Key | null = null;

  /** @param algorithms What tokens may be signed with. */
  constructor(protected algorithms: Algorithm[]) {}

  /** Whether a token is signed with one of the keys. Nothing else of it is looked at. */
  verify(jws: Jws): Reason {
    this.verifiedBy = null;
    if (!this.algorithms.includes(jws.algorithm)) return Reason.TokenAlgorithm;
    return this.tryKeys(jws);
  }

  /** Whether the host must be able to verify signatures. */
  get needsHost(): bool {
    for (let i = 0; i < this.algorithms.length; ++i) {
      if (isOfHost(this.algorithms[i])) return true;
    }
    return false;
  }

  /**
   * The configuration is good and begins to count. To be called in a root context.
   * @param room Where requests wait for keys.
   */
  start(room: WaitingRoom): void {}

  /** The configuration counts no more. */
  stop(): void {}

  /** `TokenUnknownKey` where no key is for the token. */
  protected tryKeys(jws: Jws): Reason {
    let tried = false;
    const keys = this.keys;
    for (let i = 0; i < keys.length; ++i) {
      const key = unchecked(keys[i]);
      if (!key.isFor(jws)) continue;
      tried = true;
      const verdict = key.verify(jws);
      if (verdict == SignatureVerdict.HostError) return Reason.Unavailable;
      if (verdict == SignatureVerdict.Valid) {
        this.verifiedBy = key;
        return Reason.None;
      }
    }
    return tried ? Reason.TokenSignature : Reason.TokenUnknownKey;
  }
}

/** Keys that the configuration has. */
@final
export class LocalKeys extends KeySet {
  /** @param algorithms Empty for those of the keys. */
  constructor(keys: Key[], algorithms: Algorithm[]) {
    super(algorithms);
    this.keys = keys;
    if (algorithms.length == 0) {
      for (let i = 0; i < keys.length; ++i) this.algorithms.push(keys[i].algorithm);
    }
  }
}
